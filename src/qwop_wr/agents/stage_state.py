"""What a stage goes on from after a stop: all that its learner has learnt and remembers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import Checkpoints, RankedAgent
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.state import (
    Arrays,
    TrainingState,
    history_arrays,
    history_frame,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    under,
)


@dataclass(frozen=True, eq=False)
class TrainingParts:
    """What the state is taken from and given back to.

    Attributes:
        learner: The learner.
        checkpoints: The best agents so far.
        guard: Answers to collapses so far.
        history: Metrics so far.
    """

    learner: DemonstrationQRDQN
    checkpoints: Checkpoints
    guard: CollapseGuard
    history: MetricHistory


def capture(parts: TrainingParts, task: str) -> TrainingState:
    """Copy the state of a training out.

    Args:
        parts: The training.
        task: What identifies it, see :func:`qwop_wr.agents.trainer.task_of`.

    Returns:
        The state; what happens to the training later does not change it.
    """
    learner, ranked = parts.learner, parts.checkpoints.ranked
    arrays: dict[str, NDArray[Any]] = {}
    groups: dict[str, Arrays] = {
        "experience": learner.replay_buffer.state(),
        "elite": learner.elite.state(),
        "demonstrations": learner.demonstrations.sampler.state() if learner.demonstrations else {},
        "optimizer": optimiser_arrays(learner.policy.optimizer),
        **{name: module_arrays(module) for name, module in _networks(learner).items()},
        "history": history_arrays(parts.history.frame()),
        **{f"ranked_{i}": one.agent.weights for i, one in enumerate(ranked)},
    }
    for group, members in groups.items():
        arrays |= under(group, {name: np.array(array) for name, array in members.items()})
    reference = parts.checkpoints.reference
    facts: dict[str, Any] = {
        "task": task,
        "elapsed": learner.clock.seconds,
        "num_timesteps": learner.num_timesteps,
        "learner": learner.counters(),
        "generators": [generator.bit_generator.state for generator in learner.generators],
        "average_updates": learner.average.n_updates,
        "reference": asdict(reference) if reference else None,
        "ranked": [
            {"rank": list(one.rank), "card": one.agent.card, "score": asdict(one.score)}
            for one in ranked
        ],
        "collapses": parts.guard.collapses,
        "rollbacks": parts.guard.rollbacks,
    }
    return TrainingState(arrays, facts)


def restore(parts: TrainingParts, state: TrainingState) -> None:
    """Give a state to a training that has just been made of the same options and inputs.

    Args:
        parts: The training.
        state: What was captured.
    """
    learner = parts.learner
    facts: Mapping[str, Any] = state.facts
    for name, module in _networks(learner).items():
        load_module(module, state.part(name))
    learner.average.n_updates = facts["average_updates"]
    load_optimiser(learner.policy.optimizer, state.part("optimizer"))
    learner.replay_buffer.restore(state.part("experience"))
    learner.elite.restore(state.part("elite"))
    if learner.demonstrations is not None:
        learner.demonstrations.sampler.restore(state.part("demonstrations"))
    for generator, saved in zip(learner.generators, facts["generators"], strict=True):
        generator.bit_generator.state = saved
    learner.num_timesteps = facts["num_timesteps"]
    learner.restore_counters(facts["learner"])
    # Seeded as at the beginning, the games would be the same ones over again.
    learner.get_env().seed(learner.seed + learner.num_timesteps)  # type: ignore[union-attr, operator]
    if facts["reference"]:
        parts.checkpoints.reference = AgentScore(**facts["reference"])
    parts.checkpoints.ranked = [
        RankedAgent(
            (bool(entry["rank"][0]), float(entry["rank"][1])),
            Agent(learner.spec, state.part(f"ranked_{i}"), entry["card"]),
            AgentScore(**entry["score"]),
        )
        for i, entry in enumerate(facts["ranked"])
    ]
    parts.guard.collapses, parts.guard.rollbacks = facts["collapses"], facts["rollbacks"]
    parts.history.extend(history_frame(state.part("history")))


def _networks(learner: DemonstrationQRDQN) -> dict[str, torch.nn.Module]:
    return {
        "online": learner.network,
        "target": learner.target_network,
        "average": learner.average.network,
    }
