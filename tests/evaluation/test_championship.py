"""Who is champion."""

import json

import pandas as pd
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.championship import Championship, challenge
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent
from tests.evaluation.players import random_agent

OPTIONS = EvaluationOptions(seeds=24, max_ticks=240, bootstrap_resamples=200)
GAME = EnvironmentOptions(engine="exact", ticks_per_action=4)


@pytest.fixture(scope="module")
def ranked() -> tuple[Agent, Agent]:
    """Two random agents, the one that gets farther first."""
    agents = [random_agent(GAME, seed) for seed in range(6)]
    agents.sort(key=lambda agent: rows(agent)["distance"].mean())
    return agents[-1], agents[0]


def rows(agent: Agent) -> pd.DataFrame:
    return evaluate_agent(agent, GAME, OPTIONS).episodes


def compete(challenger: Agent, **opponents: Agent) -> Championship:
    return challenge(challenger, rows(challenger), opponents, GAME, OPTIONS, seed=1)


def test_the_better_one_is_crowned_and_says_whom_it_beat(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    outcome = compete(good, champion=bad)
    assert outcome.crowned
    assert outcome.champion.fingerprint == good.fingerprint
    assert outcome.champion.card["defeated"] == [bad.fingerprint]
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False))["crowned"] is True


def test_the_champion_stays_unless_it_is_beaten(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    for challenger, champion in ((bad, good), (good, good)):
        outcome = compete(challenger, champion=champion, expert=bad)
        assert not outcome.crowned
        assert outcome.champion is champion
    # Being better than the expert alone is not enough.
    assert compete(good, champion=good, expert=bad).comparisons["expert"].verdict == "better"


def test_without_a_champion_anyone_is(ranked: tuple[Agent, Agent]) -> None:
    outcome = compete(ranked[1])
    assert outcome.crowned
    assert outcome.comparisons == {}


def test_a_champion_of_another_game_cannot_be_beaten(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    elsewhere = random_agent(GAME.model_copy(update={"engine": "box2d"}))
    slower = random_agent(GAME.model_copy(update={"ticks_per_action": 2}))
    for champion in (elsewhere, slower):
        outcome = compete(good, champion=champion, expert=bad)
        assert outcome.champion is champion
        assert list(outcome.comparisons) == ["expert"]


def test_rows_of_another_agent_are_refused(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    with pytest.raises(ValueError, match="another agent"):
        challenge(good, rows(bad), {}, GAME, OPTIONS, seed=1)
