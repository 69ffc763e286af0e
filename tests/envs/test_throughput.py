"""Measuring speed: what is counted, and how it is laid out."""

from qwop_wr.envs.throughput import SETTINGS, Case, Rates, measure, play, table
from qwop_wr.simulator import make_simulator


def test_a_round_counts_the_ticks_it_plays() -> None:
    simulator = make_simulator("box2d", 2)
    done = play(simulator, 80)()
    assert done == 80
    assert simulator.ticks.sum() == done


def test_cases_take_turns_and_threads_are_put_back() -> None:
    turns: list[str] = []

    def case(name: str) -> Case:
        def run() -> int:
            turns.append(name)
            return sum(range(20_000)) and 100

        return Case(name, "ticks", 1, run)

    threads = SETTINGS.NUMBA_NUM_THREADS
    rates = measure([case("a"), case("b")], rounds=2)
    assert turns == ["a", "b"] * 3
    assert all(rate.wall > 0 and rate.cpu > 0 for rate in rates)
    assert threads == SETTINGS.NUMBA_NUM_THREADS


def test_the_table_has_ratios_to_box2d() -> None:
    cases = [
        Case(name, unit, 1, int)
        for name, unit in (("exact", "ticks"), ("Box2D, 1 game", "ticks"), ("clones", "games"))
    ]
    text = table(cases, [Rates(5000.0, 6000.0), Rates(1000.0, 2000.0), Rates(10.0, 12.0)])
    assert text.splitlines() == [
        "| case          |  per second | per processor second | to Box2D |",
        "| ------------- | ----------: | -------------------: | -------: |",
        "| exact         | 5,000 ticks |          6,000 ticks |      3.0 |",
        "| Box2D, 1 game | 1,000 ticks |          2,000 ticks |      1.0 |",
        "| clones        |    10 games |             12 games |          |",
    ]
