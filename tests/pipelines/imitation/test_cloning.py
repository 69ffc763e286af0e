"""From demonstrations to a clone that PPO goes on from."""

from typing import Any

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.cloning import CloningOptions
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.imitation.nodes import (
    clone_demonstrations,
    finetune_clone,
    measure_clone,
    take_finetuned,
)

EVALUATION = EvaluationOptions(seeds=4, max_ticks=40)
OPTIONS = CloningOptions(net_arch=(16,), epochs=3, progress_bar=False)
PPO = PPOOptions.model_validate(
    {
        "budget": {"steps": 64},
        "n_steps": 16,
        "batch_size": 32,
        "n_epochs": 1,
        "learning_rate": {"start": 1e-3, "end": 1e-3},
        "evaluation_every": 64,
        "evaluation_starts": 4,
        "progress_bar": False,
    }
)


@pytest.fixture
def clone(demonstrations: Recording, environment: EnvironmentOptions) -> Agent:
    agent, history = clone_demonstrations(demonstrations, environment, OPTIONS, seed=1)
    assert history["step"].max() <= 3
    return agent


def finetuned(
    clone: Agent,
    environment: EnvironmentOptions,
    interrupted: TrainingState | None = None,
    resume: bool = False,
    **changes: Any,
) -> list[TrainingState]:
    options = PPOOptions.model_validate(PPO.model_dump(exclude_unset=True) | changes)
    games = GamesOptions(n_games=2)
    arguments = (interrupted, clone, environment, games, options, EVALUATION)
    return list(finetune_clone(*arguments, seed=1, resume=resume))


def test_the_clone_is_measured(clone: Agent, environment: EnvironmentOptions) -> None:
    assert clone.card["stage"] == "cloning"
    summary = measure_clone(clone, environment, EVALUATION)
    assert summary["seeds"] == 4
    assert summary["validation"] == clone.card["validation"]
    assert summary["finish_rate"] == 0
    assert summary["median_time"] is None


def test_ppo_begins_with_the_clones_weights(clone: Agent, environment: EnvironmentOptions) -> None:
    states = finetuned(clone, environment, learning_rate={"start": 1e-30, "end": 1e-30})
    agent, history = take_finetuned(states[-1])
    assert agent.spec == clone.spec
    for name, array in clone.weights.items():
        np.testing.assert_array_equal(agent.weights[name], array)
    # The clone itself was evaluated before anything was learnt.
    evaluated = history.query("metric == 'evaluation/mean_distance'")["step"].tolist()
    assert evaluated == [0, 64]
    assert agent.card["stage"] == "finetuning"
    assert agent.card["steps"] == 0


def test_ppo_goes_on_learning(clone: Agent, environment: EnvironmentOptions) -> None:
    (state,) = finetuned(clone, environment)
    learnt = state.part("policy")["actor_output.weight"]
    assert np.abs(learnt - clone.weights["actor_output.weight"]).max() > 0


def test_a_stopped_one_goes_on_to_the_bit_if_asked_to(
    clone: Agent, environment: EnvironmentOptions
) -> None:
    longer: dict[str, Any] = {"budget": {"steps": 128}, "save_every": 64}
    first, second = finetuned(clone, environment, **longer)
    resumed = finetuned(clone, environment, first, resume=True, **longer)
    assert [state.facts["steps"] for state in resumed] == [128]
    for name in ("policy/actor_output.weight", "optimiser/0.exp_avg", "rest/returns"):
        np.testing.assert_array_equal(resumed[0].arrays[name], second.arrays[name])
    anew = finetuned(clone, environment, first, **longer)
    assert [state.facts["steps"] for state in anew] == [64, 128]
    with pytest.raises(BadInputError, match="interrupted_finetuning_training: .* other options"):
        finetuned(clone, environment, first, resume=True, gamma=0.5, **longer)


def test_what_does_not_fit_is_told(
    clone: Agent, demonstrations: Recording, environment: EnvironmentOptions
) -> None:
    other = EnvironmentOptions(ticks_per_action=4)
    with pytest.raises(BadInputError, match="demonstrations: .*ticks_per_action = 2"):
        clone_demonstrations(demonstrations, other, OPTIONS, seed=1)
    with pytest.raises(BadInputError, match="cloned_agent: .*ticks_per_action = 2"):
        finetuned(clone, other)
    with pytest.raises(BadInputError, match=r"cloned_agent: .*net_arch = \(16,\)"):
        finetuned(clone, environment, net_arch=[8])
