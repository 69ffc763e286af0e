"""Cloning in the corridor, where the right action is known."""

import numpy as np
import pytest

from qwop_wr.agents.cloning import CloningOptions, clone, returns_to_go, split_episodes
from qwop_wr.agents.gate import score_agent
from qwop_wr.agents.transitions import Transitions
from tests.agents.conftest import walk
from tests.agents.corridor import INTERFACE, CorridorVectorEnv

OPTIONS = CloningOptions(net_arch=(16,), epochs=30, batch_size=32, progress_bar=False)
SPEC = OPTIONS.agent_spec(INTERFACE, "toy")


def steps(rewards: list[float], episode: list[int], dones: list[bool]) -> Transitions:
    n = len(rewards)
    return Transitions(
        obs=np.zeros((n, 1), np.float32),
        actions=np.zeros(n, np.int64),
        rewards=np.array(rewards, np.float32),
        next_obs=np.zeros((n, 1), np.float32),
        dones=np.array(dones),
        episode=np.array(episode, np.int32),
    )


def test_a_clone_acts_as_shown_and_reaches_the_end() -> None:
    result = clone(OPTIONS, SPEC, walk(20), seed=1)
    validation = result.agent.card["validation"]
    assert isinstance(validation, dict)
    assert validation["accuracy"] == 1.0
    score = score_agent(result.agent, [CorridorVectorEnv(4, autoreset=False)], [1, 2, 3, 4])
    assert score.finish_rate == 1.0


def test_metrics_of_every_epoch_are_recorded_and_the_loss_falls() -> None:
    result = clone(OPTIONS, SPEC, walk(20), seed=1)
    losses = result.history.query("metric == 'validation/loss'")["value"].to_numpy()
    assert losses[-1] < 0.5 * losses[0]
    assert set(result.history["metric"]) == {
        "cloning/loss",
        "cloning/value_loss",
        "validation/loss",
        "validation/accuracy",
        "validation/value_error",
    }


def test_equal_seeds_give_equal_clones() -> None:
    one, same, other = (clone(OPTIONS, SPEC, walk(6), seed=seed).agent for seed in (1, 1, 2))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_it_ends_when_nothing_is_learnt_any_more_and_keeps_the_best() -> None:
    # Actions that depend on nothing cannot be learnt, only remembered.
    shown = walk(8)
    shown.actions[:] = np.random.default_rng(0).integers(3, size=len(shown))
    options = OPTIONS.model_copy(update={"epochs": 200, "patience": 3, "learning_rate": 0.05})
    result = clone(options, SPEC, shown, seed=1)
    losses = result.history.query("metric == 'validation/loss'")["value"].to_numpy()
    assert len(losses) < 200
    assert losses.argmin() == len(losses) - 1 - options.patience
    validation = result.agent.card["validation"]
    assert isinstance(validation, dict)
    assert validation["loss"] == losses.min()


def test_returns_go_on_behind_a_finish_and_end_with_a_fall() -> None:
    shown = steps([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], [False, False, False, True])
    beyond = 2.5 / (1 - 0.5)
    assert returns_to_go(shown, 0.5) == pytest.approx(
        [1 + 0.5 * (2 + 0.5 * beyond), 2 + 0.5 * beyond, 3 + 0.5 * 4, 4]
    )


def test_episodes_are_put_aside_whole() -> None:
    shown = walk(10)
    learnt, judged = split_episodes(shown, 0.2, np.random.default_rng(0))
    assert (learnt ^ judged).all()
    assert len(np.unique(shown.episode[judged])) == 2
    assert not set(shown.episode[judged]) & set(shown.episode[learnt])
    with pytest.raises(ValueError, match="at least two episodes"):
        split_episodes(walk(1), 0.2, np.random.default_rng(0))
