"""What is read off the games beside how they end."""

import numpy as np
import pytest

from qwop_wr.envs import EnvironmentOptions
from qwop_wr.envs.shaping import KNEE_LIMIT, knee_heights
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent
from qwop_wr.evaluation.trajectory import tape_trajectory
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import PART_INDEX
from qwop_wr.simulator.keys import O, P, Q, W
from tests.evaluation.players import player


def test_knees_are_where_thigh_and_calf_meet() -> None:
    # The knee ends both limbs, so that it lies near half a calf below the thigh's centre
    # and half a calf above the calf's.
    state = make_simulator("exact").state
    left, right = knee_heights(state)[0]
    for height, side in ((left, "left"), (right, "right")):
        thigh, calf = (state[0, PART_INDEX[f"{side}_{part}"], 1] for part in ("thigh", "calf"))
        assert 9.14275 - calf < height < 9.14275 - thigh
    assert left == pytest.approx(5.6, abs=0.5)


def test_scraping_along_is_told_from_running() -> None:
    game = EnvironmentOptions(engine="exact", ticks_per_action=2)
    scraper = player(game, [W | O] * 5 + [Q | P] * 4)
    options = EvaluationOptions(seeds=2, idle_ticks=0, sticky=0, max_ticks=600)
    evaluation = evaluate_agent(scraper, game, options)
    row = evaluation.episodes.to_dict("records")[0]
    state = tape_trajectory(evaluation.tapes["farthest"]).state
    decisions = np.append(np.arange(2, len(state) - 1, 2), len(state) - 1)
    near = [knee_heights(state[[tick]]).min() < KNEE_LIMIT for tick in decisions]
    assert row["knee_near_ground"] == np.mean(near)
    assert row["knee_near_ground"] > 0.8
