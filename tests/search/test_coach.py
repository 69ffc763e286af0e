"""The coach: where runs end, and what it rates."""

import numpy as np
import pytest
from pydantic import ValidationError

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, QwopVectorEnv, Snapshot
from qwop_wr.errors import BadInputError
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions, HazardOptions
from qwop_wr.search.foresight import ForesightOptions, best_actions
from qwop_wr.search.judge import JudgeOptions
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.constants import UNITS_PER_METRE
from tests.search.agents import make_agent
from tests.search.test_foresight import constant


@pytest.mark.parametrize(
    ("torso", "hurdle", "reached"),
    [
        (7.9, 50.1, True),  # the start
        (8.1, 50.1, False),
        (47.5, 50.1, False),
        (47.7, 50.1, True),  # the hurdle, where it stands
        (54.0, 50.1, True),
        (54.2, 50.1, False),
        (75.0, 73.5, True),  # and where it was dragged
        (75.0, 70.9, False),
    ],
)
def test_the_start_and_wherever_the_hurdle_is(torso: float, hurdle: float, reached: bool) -> None:
    games = Snapshot.of(make_simulator("exact", 2))
    games.state[1, 0, 0] = 10.0 * torso
    games.hurdle[1, 1, 0] = 10.0 * hurdle
    assert HazardOptions().reached(games).tolist() == [True, reached]


GAMES = EnvironmentOptions(ticks_per_action=2, max_ticks=24, idle_ticks=6)
"""Nobody falls in so short a time."""
ONE_DECISION = ForesightOptions(proposals=9, decisions=1)


def coach(judge: Agent, **changes: object) -> ForesightCoach:
    fields = {
        "n_games": 4,
        "groups": 1,
        "rated_share": 1.0,
        "hazard_share": 1.0,
        "least_doubt": 0.0,
        "foresight": ONE_DECISION,
        **changes,
    }
    return ForesightCoach(judge, GAMES, ForesightCoachOptions.model_validate(fields))


def test_ratings_are_the_metres_that_every_action_makes() -> None:
    agent = constant(make_agent(0))
    rated = coach(agent).rate(agent, np.random.default_rng(7))
    env = QwopVectorEnv(4, GAMES, autoreset=False)
    (of_group,) = np.random.default_rng(7).spawn(1)
    observations, _ = env.reset(seed=of_group.integers(2**31, size=4).tolist())
    for decision in range(3):
        rows = slice(4 * decision, 4 * decision + 4)
        np.testing.assert_array_equal(rated.observations[rows], observations)
        start = env.simulator.state[:, 0, 0]
        metres = np.empty((4, 9))
        for action, mask in enumerate(ACTION_SETS["minimal"]):
            clones = make_simulator("exact", 4)
            clones.copy_games(env.simulator, np.arange(4), np.arange(4))
            clones.step(np.full(4, mask), GAMES.ticks_per_action)
            metres[:, action] = (clones.state[:, 0, 0] - start) / UNITS_PER_METRE
        expected = np.take_along_axis(metres, rated.actions[rows], axis=1)
        np.testing.assert_allclose(rated.ratings[rows], expected, rtol=1e-6)
        own = agent.policy().act(observations)
        np.testing.assert_array_equal(rated.actions[rows, 0], own)
        observations, *_ = env.step(own)


@pytest.mark.parametrize("groups", [1, 3, 9])
def test_every_decision_of_every_game_is_rated_once(groups: int) -> None:
    agent = make_agent(0)
    rated = coach(agent, groups=groups).rate(agent, np.random.default_rng(1))
    # Games wait 0 to 6 ticks and last 24; every decision has two.
    assert 4 * 9 <= len(rated.observations) <= 4 * 12
    assert len(rated.actions) == len(rated.ratings) == len(rated.observations)


def test_where_nobody_falls_a_share_of_the_decisions_is_rated() -> None:
    agent = make_agent(0)
    open_track = {"n_games": 40, "rated_share": 0.25, "hazards": {"start": 0.0}}
    everywhere = {**open_track, "hazards": {"start": 8.0}}
    rng = np.random.default_rng(1)
    some = len(coach(agent, **open_track).rate(agent, rng).actions)
    # Games wait 0 to 6 ticks and last 24; every decision has two.
    assert 0.15 * 40 * 9 < some < 0.35 * 40 * 12
    assert 40 * 9 <= len(coach(agent, **everywhere).rate(agent, rng).actions) <= 40 * 12


def test_only_decisions_in_doubt_are_tried() -> None:
    agent = make_agent(0)
    shares = {"n_games": 8, "least_doubt": 0.2}
    rated = coach(agent, **shares).rate(agent, np.random.default_rng(1))
    scores = np.exp(agent.policy().action_scores(rated.observations).astype(np.float64))
    second = np.sort(scores / scores.sum(axis=1, keepdims=True), axis=1)[:, -2]
    even = (rated.ratings == 0.0).all(axis=1)
    assert 0.1 < even.mean() < 0.9
    np.testing.assert_array_equal(even, second < 0.2)


def test_ratings_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    agent, rated = make_agent(0), []
    for cores in (1, 3):
        monkeypatch.setattr("qwop_wr.compute.mapping.usable_cores", lambda n=cores: n)
        shares = {"groups": 3, "rated_share": 0.5, "hazard_share": 0.5}
        teacher = coach(agent, n_games=7, **shares)
        rated.append(teacher.rate(agent, np.random.default_rng(4)))
    for one, three in zip(*rated, strict=True):
        np.testing.assert_array_equal(one, three)


def test_there_is_no_rating_where_noise_has_changed_the_keys() -> None:
    agent = constant(make_agent(0))
    foresight = ForesightOptions(proposals=2, decisions=3)
    noisy = GAMES.model_copy(update={"sticky": 0.2})
    shares = {
        "n_games": 40,
        "groups": 1,
        "rated_share": 1.0,
        "hazard_share": 1.0,
        "least_doubt": 0.0,
    }
    options = ForesightCoachOptions(foresight=foresight, **shares)
    rated = ForesightCoach(agent, noisy, options).rate(agent, np.random.default_rng(7))
    env = QwopVectorEnv(40, noisy, autoreset=False)
    (of_group,) = np.random.default_rng(7).spawn(1)
    observations, _ = env.reset(seed=of_group.integers(2**31, size=40).tolist())
    masks, seen, changed, running = ACTION_SETS["minimal"], [], [], np.ones(40, dtype=np.bool_)
    while running.any():
        own = agent.policy().act(observations)
        seen.append((observations, running.copy()))
        observations, _, fallen, cut, _ = env.step(own)
        changed.append(running & (env.last_keys != masks[own]))
        running &= ~(fallen | cut)
    kept = [
        shown[alive & ~np.any(changed[number : number + 3], axis=0)]
        for number, (shown, alive) in enumerate(seen)
    ]
    np.testing.assert_array_equal(rated.observations, np.concatenate(kept))
    assert len(rated.observations) < 0.95 * sum(alive.sum() for _, alive in seen)


def test_own_play_is_rated_as_the_same_play_on_a_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the runner sinks and bounces up again, and where the time is over."""
    monkeypatch.setattr(
        "qwop_wr.search.coach.best_actions",
        lambda scores, k: np.repeat(best_actions(scores, 1), k, axis=1),
    )
    agent = make_agent(4)
    games = GAMES.model_copy(update={"max_ticks": 100, "sink_height": 1.3})
    shares = {
        "n_games": 32,
        "groups": 1,
        "rated_share": 1.0,
        "hazard_share": 1.0,
        "least_doubt": 0.0,
    }
    options = ForesightCoachOptions(foresight=ForesightOptions(), **shares)
    rated = ForesightCoach(constant(agent), games, options).rate(agent, np.random.default_rng(7))
    assert (rated.ratings < -5.0).any()
    assert (rated.ratings > -5.0).any()
    np.testing.assert_allclose(rated.ratings[:, 0], rated.ratings[:, 1], atol=1e-5)


def test_a_coach_that_rates_nothing_says_so() -> None:
    agent = make_agent(0)
    nowhere = coach(agent, rated_share=0.0, hazards={"start": 0.0})
    with pytest.raises(BadInputError, match="rated no decision; raise rated_share"):
        nowhere.rate(agent, np.random.default_rng(1))


def test_a_coach_compares_actions() -> None:
    with pytest.raises(ValidationError, match="proposals must be at least 2"):
        ForesightCoachOptions(foresight=ForesightOptions(proposals=1))


def test_the_judges_values_count_whoever_plays() -> None:
    agent = make_agent(0)
    high = [coach(constant(agent, value)).rate(agent, np.random.default_rng(2)) for value in (0, 5)]
    np.testing.assert_allclose(high[1].ratings - high[0].ratings, 0.8 * 5.0, rtol=1e-5)


def test_a_stop_is_heard_between_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwop_wr.stopping._requested.is_set", lambda: True)
    monkeypatch.setattr(QwopVectorEnv, "step", lambda *_: pytest.fail("a step was made"))
    with pytest.raises(KeyboardInterrupt):
        coach(make_agent(0)).rate(make_agent(0), np.random.default_rng(0))


def test_the_judge_follows_what_the_coach_has_watched() -> None:
    agent, judge = constant(make_agent(0)), make_agent(1).with_card(value_gamma=0.9)
    one, other = coach(judge), coach(judge)
    for watching in (one, other):
        watching.rate(agent, np.random.default_rng(2))
    assert one.judge.fingerprint == other.judge.fingerprint != judge.fingerprint
    second = one.rate(agent, np.random.default_rng(3))
    again = coach(other.judge).rate(agent, np.random.default_rng(3))
    np.testing.assert_array_equal(second.ratings, again.ratings)
    options = ForesightCoachOptions(n_games=4, hazard_share=1.0, judge=JudgeOptions(epochs=0))
    unmoved = ForesightCoach(judge, GAMES, options)
    unmoved.rate(agent, np.random.default_rng(2))
    assert unmoved.judge is judge
