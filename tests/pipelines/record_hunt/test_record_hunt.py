"""The hunt as a pipeline: what it yields, and that killing it keeps its best."""

import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import SERIAL
from qwop_wr.datasets import TapeDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.metric_sink import MetricSink
from qwop_wr.pipelines.record_hunt import create_pipeline, rounds
from qwop_wr.pipelines.record_hunt.nodes import hunt_record, hunt_with_agent
from qwop_wr.pipelines.record_hunt.rounds import known_or_native, shown
from qwop_wr.search import AgentGuide, SearchOptions
from qwop_wr.search.hunt import HuntOptions, HuntStep, RecordHunt, Section
from qwop_wr.search.options import RoundBudget
from qwop_wr.simulator.tape import Tape, verify_tape
from qwop_wr.stopping import stop_signals
from tests.evaluation.players import random_agent
from tests.pipelines.conftest import run_in_memory

Guides = dict[str, Agent]


@pytest.fixture
def guides(agent: Agent) -> Guides:
    return {"b": agent, "a": agent}


def options() -> HuntOptions:
    return HuntOptions(
        budget=RoundBudget(rounds=1),
        first_width=16,
        max_width=16,
        whole_runs=0,
        branches=3,
        sections={"finish": Section(metres=(98.9, 99.1), value_weights=(0.1, 0.2))},
        search=SearchOptions(sink_height=9.0),
    )


Hunt = Iterator[tuple[Tape, dict[str, Any]]]


def hunt(
    guides: Guides, known: Tape | None, environment: EnvironmentOptions, **changes: Any
) -> Hunt:
    wanted = options().model_copy(update=changes)
    return hunt_record(guides, known, environment, wanted, seed=1, compute=SERIAL)


def test_every_improvement_is_yielded(
    finish: Tape, guides: Guides, environment: EnvironmentOptions
) -> None:
    found = list(hunt(guides, finish, environment))
    assert found[0][0] == finish
    ticks = [tape.ticks for tape, _ in found]
    assert ticks == sorted(ticks, reverse=True)
    assert len(set(ticks)) > 1
    for tape, summary in found:
        verify_tape(tape)
        assert summary["best_time"] == tape.score_time
    assert found[-1][1]["clones"] > 0


def keep(hunt: Iterator[tuple[Tape, dict[str, Any]]], kept: list[Any]) -> None:
    for step in hunt:
        kept.append(step)


def test_a_hunt_that_is_asked_to_stop_hands_its_best_on_first(
    finish: Tape, guides: Guides, environment: EnvironmentOptions
) -> None:
    endless = hunt(guides, finish, environment, budget=RoundBudget(rounds=10**6))
    with stop_signals():
        assert next(endless)[0] == finish
        better, _ = next(endless)
        signal.raise_signal(signal.SIGINT)
        handed_on: list[tuple[Tape, dict[str, Any]]] = []
        with pytest.raises(KeyboardInterrupt):
            keep(endless, handed_on)
    last, summary = handed_on[-1]
    assert last.ticks <= better.ticks
    assert summary["searches"] >= 1


def test_a_killed_hunt_has_kept_its_best(
    finish: Tape,
    guides: Guides,
    environment: EnvironmentOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = TapeDataset(
        filepath=tmp_path / "record.qwop.json",
        load_args={"optional": True},
        save_args={"keep_fastest": True},
    )
    record.save(finish)

    def killed_after_an_improvement(
        steps: Iterable[HuntStep], sink: MetricSink
    ) -> Iterator[HuntStep]:
        for step in shown(steps, sink):
            yield step
            if step.improved:
                raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "shown", killed_after_an_improvement)
    inputs = {
        "reigning_guide_agents": guides,
        "reigning_record_tape": finish,
        "params:environment": environment,
        "params:record_hunt": options(),
        "params:seed": 1,
        "params:compute": SERIAL,
    }
    with pytest.raises(KeyboardInterrupt):
        run_in_memory(create_pipeline(), inputs, record_tape=record)
    kept = record.load()
    assert kept is not None
    assert kept.ticks < finish.ticks


def test_nothing_finishes(guides: Guides, environment: EnvironmentOptions) -> None:
    short = SearchOptions(max_ticks=60)
    with pytest.raises(BadInputError, match=r"no run that finishes.*budget\.minutes"):
        list(hunt(guides, None, environment, whole_runs=1, branches=0, search=short))


def test_a_reigning_tape_with_a_false_claim(
    finish: Tape, guides: Guides, environment: EnvironmentOptions
) -> None:
    false = Tape.from_json(finish.to_json().replace('"distance": 100.3', '"distance": 101.3'))
    with pytest.raises(BadInputError, match="reigning_record_tape: false claim: distance"):
        next(hunt(guides, false, environment))


def test_a_guide_for_another_environment(finish: Tape, guides: Guides) -> None:
    other = EnvironmentOptions(ticks_per_action=4)
    with pytest.raises(BadInputError, match="guide_agents: .* ticks_per_action = 2"):
        next(hunt(guides, finish, other))


def test_live_metrics(finish: Tape, guides: Guides, environment: EnvironmentOptions) -> None:
    sent: list[tuple[dict[str, float], int]] = []
    judge = AgentGuide([guides["a"]], environment)
    searches = RecordHunt([judge], environment, options(), seed=1)
    steps = list(
        shown(searches.run([finish]), lambda metrics, step: sent.append((dict(metrics), step)))
    )
    assert len(sent) == len(steps) == 3
    assert all(metrics["best_time"] <= finish.score_time for metrics, _ in sent)
    assert all(metrics["clones_per_second"] > 0 for metrics, _ in sent)


def test_no_guide(finish: Tape, environment: EnvironmentOptions) -> None:
    with pytest.raises(BadInputError, match="guide_agents: there is none; make some: kedro run"):
        next(hunt({}, finish, environment))


def test_an_agent_takes_its_turn_among_the_guides(
    finish: Tape, guides: Guides, agent: Agent, environment: EnvironmentOptions
) -> None:
    *_, (tape, summary) = hunt_with_agent(
        agent, guides, finish, environment, options(), seed=1, compute=SERIAL
    )
    verify_tape(tape)
    assert tape.ticks < finish.ticks
    assert summary["agent"] == agent.fingerprint
    assert summary["known_time"] == finish.score_time
    assert summary["found"][-1]["time"] == pytest.approx(tape.score_time, abs=1e-3)
    assert summary["searches"] == 3


def test_an_agent_hunts_alone_where_there_are_no_guides(
    finish: Tape, agent: Agent, environment: EnvironmentOptions
) -> None:
    *_, (tape, _) = hunt_with_agent(
        agent, {}, finish, environment, options(), seed=1, compute=SERIAL
    )
    assert tape.ticks <= finish.ticks
    other = EnvironmentOptions(ticks_per_action=4)
    with pytest.raises(BadInputError, match="the agent of the last stage: .* ticks_per_action = 2"):
        next(hunt_with_agent(agent, {}, finish, other, options(), seed=1, compute=SERIAL))


def test_on_box2d_the_guides_own_run_is_handed_on() -> None:
    environment = EnvironmentOptions(engine="box2d", max_ticks=60)
    agents = [random_agent(environment)]
    tape = known_or_native(None, agents, environment)
    assert tape is not None
    assert tape.engine == "box2d"
    verify_tape(tape)
    assert known_or_native(tape, agents, environment) is tape
    assert known_or_native(None, agents, EnvironmentOptions()) is None
