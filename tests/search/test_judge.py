"""Values that follow the agent under the coach."""

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import EnvironmentOptions, Observer, Snapshot
from qwop_wr.search.foresight import View
from qwop_wr.search.guide import EndlessTrack
from qwop_wr.search.judge import JudgeOptions, Play, follow
from qwop_wr.simulator import make_simulator
from tests.search.agents import make_agent

ENV = EnvironmentOptions(ticks_per_action=3, metre_reward=2.0)
GAMMA, FALL_COST, TRACE = 0.9, 8.0, 0.7
TICKS = 12


def played(falls_at: int | None = None, passes_at: int | None = None) -> tuple[Play, list[View]]:
    """Plays two games of random keys; the first one falls or passes the last metre."""
    games, observer = make_simulator("exact", 2), Observer("egocentric")
    rng, play, views = np.random.default_rng(0), Play("egocentric"), []
    for depth in range(TICKS + 1):
        now = Snapshot.of(games)
        now = now._replace(state=now.state.copy())
        now.state[:, :, 0] += 10.0 * depth
        if passes_at is not None and depth >= passes_at:
            now.state[0, :, 0] += 1000.0
        view = View(now, observer.observe(now), np.array([depth == falls_at, False]))
        play.watch(view, np.array([falls_at is None or depth < falls_at, True]))
        views.append(view)
        games.step(rng.integers(16, size=2).astype(np.uint8), 3)
    return play, views


def by_hand(values: list[float], metres: list[float], cut: int, end_value: float) -> list[float]:
    """TD(lambda) returns of the decisions before ``cut`` by their recursive definition."""
    found: list[float] = []
    following = end_value
    for step in reversed(range(cut)):
        reward = 2.0 * (metres[step + 1] - metres[step]) - 0.01 * 3
        after = end_value if step + 1 == cut else values[step + 1]
        following = reward + GAMMA * ((1 - TRACE) * after + TRACE * following)
        found.append(following)
    return found[::-1]


@pytest.mark.parametrize("end", ["running", "fallen", "passed"])
def test_returns_are_those_of_the_games(end: str) -> None:
    cut = {"running": TICKS, "fallen": 7, "passed": 5}[end]
    play, views = played(7 if end == "fallen" else None, 5 if end == "passed" else None)
    critic = CriticFitter(make_agent(1, env=ENV), 0.01)
    returns = play.returns(critic, ENV, GAMMA, FALL_COST, TRACE)
    track = EndlessTrack("egocentric")
    seen = np.stack([track.hide_finish(view.observations) for view in views])  # (T + 1, 2, d)
    values = np.stack([critic.values(each) for each in seen])
    metres = np.stack([view.now.torso_x for view in views]) / 10.0
    lengths = [cut, TICKS]
    counted = [
        values[step, game] for step in range(TICKS) for game in (0, 1) if step < lengths[game]
    ]
    expected = []
    for game, length in enumerate(lengths):
        last = values[length, game]
        if game == 0 and end == "fallen":
            last = np.median(counted) - ENV.metre_reward * FALL_COST
        expected.append(by_hand(values[:, game].tolist(), metres[:, game].tolist(), length, last))
    by_depth = [
        expected[game][step] for step in range(TICKS) for game in (0, 1) if step < lengths[game]
    ]
    np.testing.assert_allclose(returns.returns, by_depth, rtol=1e-4, atol=1e-4)
    assert sum(map(len, returns.observations)) == sum(lengths)


def judge(algorithm: str = "ppo") -> Agent:
    return make_agent(1, algorithm, ENV).with_card(value_gamma=GAMMA)


def test_values_move_to_what_followed() -> None:
    (one, views), (two, _), (three, _) = (played() for _ in range(3))
    options = JudgeOptions(epochs=300, learning_rate=0.01, trace=1.0)
    before = judge()
    after = follow(before, [one, two], ENV, FALL_COST, options, np.random.default_rng(0))
    found = three.returns(CriticFitter(before, 0.01), ENV, GAMMA, FALL_COST, 1.0)

    def error(agent: Agent) -> float:
        values = agent.policy().values(np.concatenate(found.observations))
        return float(np.abs(values - found.returns).mean())

    assert error(after) < 0.2 * error(before)
    seen = views[0].observations
    np.testing.assert_array_equal(
        after.policy().action_scores(seen), before.policy().action_scores(seen)
    )


def test_same_seed_same_values() -> None:
    prints = {
        follow(
            judge(), [played()[0]], ENV, FALL_COST, JudgeOptions(), np.random.default_rng(3)
        ).fingerprint
        for _ in range(2)
    }
    assert len(prints) == 1
    assert prints != {judge().fingerprint}


@pytest.mark.parametrize(
    ("agent", "epochs"),
    [(judge("qrdqn"), 1), (make_agent(1, env=ENV), 1), (judge(), 0)],
    ids=["no critic", "no discount", "no epochs"],
)
def test_other_judges_stay_as_they_are(agent: Agent, epochs: int) -> None:
    options = JudgeOptions(epochs=epochs)
    assert follow(agent, [played()[0]], ENV, 8.0, options, np.random.default_rng(0)) is agent
