"""Agents from elsewhere beside ours."""

import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.imitation.nodes import rank_guests
from qwop_wr.simulator.keys import O, P, Q, W
from tests.evaluation.players import player, random_agent

SHARED = EnvironmentOptions(ticks_per_action=2)
EVALUATION = EvaluationOptions(seeds=4, max_ticks=300)


def test_every_agent_plays_its_own_game() -> None:
    guest = random_agent(
        EnvironmentOptions(observation="absolute", actions="qwop_gym", ticks_per_action=4)
    )
    scraper = player(SHARED, [W | O] * 5 + [Q | P] * 4)
    table, text = rank_guests({"guest": guest}, scraper, SHARED, EVALUATION)
    assert table["agent"].tolist() == ["expert (ours)", "guest"], "the farthest first"
    assert table["fingerprint"].tolist() == [scraper.fingerprint, guest.fingerprint]
    assert table["seeds"].tolist() == [4, 4]
    assert text.splitlines()[2].startswith("| expert (ours) | 0.0% | none | none | ")


def test_an_agent_of_no_game_is_named() -> None:
    spec = random_agent(SHARED).spec
    odd = Agent(spec.model_copy(update={"observation": "pixels"}), random_agent(SHARED).weights)
    with pytest.raises(BadInputError, match="guest_agents: odd: .*observation is 'pixels'"):
        rank_guests({"odd": odd}, None, SHARED, EVALUATION)


def test_no_guests_are_told_how_to_come() -> None:
    with pytest.raises(BadInputError, match=r"qwop import AGENT\.zip"):
        rank_guests({}, None, SHARED, EVALUATION)
