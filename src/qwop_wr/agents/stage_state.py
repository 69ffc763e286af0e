"""What a stage goes on from after a stop, and what it leaves at its end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.callbacks import MetricsCallback
from qwop_wr.agents.checkpoints import Checkpoints, EvaluationCallback, RankedAgent
from qwop_wr.agents.coaching import RatedActions
from qwop_wr.agents.coaching_rounds import CoachingProgress
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.errors import TrainingStateError
from qwop_wr.agents.gate import AgentScore, GateReport
from qwop_wr.agents.health import HealthReport
from qwop_wr.agents.learner_state import (
    games_arrays,
    learner_facts,
    restore_games,
    restore_learner,
)
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.save_points import SavePoints
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageResult
from qwop_wr.agents.state import (
    MALFORMED,
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


class Phase(Enum):
    """How far a stage has come."""

    BEGINNING = "beginning"
    PRETRAINING = "pretraining"
    PLAYING = "playing"
    COACHING = "coaching"
    GATE = "gate"


@dataclass(eq=False)
class TrainingParts:
    """What the state is taken from and given back to.

    Attributes:
        learner: The learner.
        checkpoints: The best agents so far.
        guard: Answers to collapses so far.
        history: Metrics so far.
        evaluation: Evaluates the learner now and then.
        metrics: Dumps the learner's metrics now and then.
        points: When the state is due.
        phase: How far it has come.
        coaching: How far its coaching has come.
    """

    learner: DemonstrationQRDQN
    checkpoints: Checkpoints
    guard: CollapseGuard
    history: MetricHistory
    evaluation: EvaluationCallback
    metrics: MetricsCallback
    points: SavePoints
    phase: Phase = Phase.BEGINNING
    coaching: CoachingProgress | None = None


def capture(parts: TrainingParts, origin: Mapping[str, JsonValue]) -> TrainingState:
    """Copy the state of a training out.

    Args:
        parts: The training.
        origin: All that it follows from.

    Returns:
        The state; what happens to the training later does not change it.
    """
    learner, ranked = parts.learner, parts.checkpoints.ranked
    arrays: dict[str, NDArray[Any]] = games_arrays(learner)
    groups: dict[str, Arrays] = {
        "experience": learner.replay_buffer.state(),
        "elite": learner.elite.state(),
        "demonstrations": learner.demonstrations.sampler.state() if learner.demonstrations else {},
        "optimizer": optimiser_arrays(learner.policy.optimizer),
        **{name: module_arrays(module) for name, module in _networks(learner).items()},
        "history": history_arrays(parts.history.frame()),
        **{f"ranked_{i}": one.agent.weights for i, one in enumerate(ranked)},
    }
    coaching = parts.coaching
    if coaching is not None:
        groups |= {"judge": coaching.judge.weights, "coached": coaching.agent.weights}
        groups |= {f"ratings_{i}": one._asdict() for i, one in enumerate(coaching.ratings)}
    for group, members in groups.items():
        arrays |= under(group, members)
    reference = parts.checkpoints.reference
    facts: dict[str, Any] = {
        **origin,
        **learner_facts(learner),
        "finished": False,
        "phase": parts.phase.value,
        "elapsed": learner.clock.seconds,
        "counters": learner.counters(),
        "generators": [generator.bit_generator.state for generator in learner.generators],
        "average_updates": learner.average.n_updates,
        "reference": asdict(reference) if reference else None,
        "ranked": [
            {"rank": list(one.rank), "score": asdict(one.score), **_described(one.agent)}
            for one in ranked
        ],
        "collapses": parts.guard.collapses,
        "rollbacks": parts.guard.rollbacks,
        "evaluated_at": parts.evaluation.evaluated_at,
        "metrics": parts.metrics.state(),
        "coaching": _coaching_facts(coaching) if coaching else None,
    }
    return TrainingState(arrays, facts)


def restore(parts: TrainingParts, state: TrainingState) -> None:
    """Give a state to a training that has just been made of the same options and inputs.

    Args:
        parts: The training; its learner has its logger.
        state: What was captured.

    Raises:
        ValueError: If the state is not in the right form; or another of ``MALFORMED``.
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
    learner.restore_counters(facts["counters"])
    restore_learner(learner, facts)
    restore_games(learner, state)
    if facts["reference"]:
        parts.checkpoints.reference = AgentScore(**facts["reference"])
    parts.checkpoints.ranked = [
        RankedAgent(
            (bool(entry["rank"][0]), float(entry["rank"][1])),
            _agent(state, f"ranked_{i}", entry),
            AgentScore(**entry["score"]),
        )
        for i, entry in enumerate(facts["ranked"])
    ]
    parts.guard.collapses, parts.guard.rollbacks = facts["collapses"], facts["rollbacks"]
    parts.history.extend(history_frame(state.part("history")))
    parts.evaluation.evaluated_at = facts["evaluated_at"]
    parts.metrics.restore(facts["metrics"])
    parts.points.passed(learner.num_timesteps)
    parts.phase = Phase(facts["phase"])
    if facts["coaching"]:
        parts.coaching = CoachingProgress(
            judge=_agent(state, "judge", facts["coaching"]["judge"]),
            agent=_agent(state, "coached", facts["coaching"]["agent"]),
            ratings=tuple(
                RatedActions(**state.part(f"ratings_{i}"))
                for i in range(facts["coaching"]["n_ratings"])
            ),
            **facts["coaching"]["progress"],
        )


def result_state(result: StageResult, origin: Mapping[str, JsonValue]) -> TrainingState:
    """Put a result in the form of a last state.

    Args:
        result: What the stage hands on.
        origin: All that it follows from.

    Returns:
        The state; there is nothing left to go on from.
    """
    arrays = {
        **under("agent", result.agent.weights),
        **under("history", history_arrays(result.history)),
    }
    facts: dict[str, Any] = {
        **origin,
        "finished": True,
        "agent": _described(result.agent),
        "gate": asdict(result.gate),
        "rollbacks": result.rollbacks,
        "health": result.health._asdict() if result.health else None,
    }
    return TrainingState(arrays, facts)


def stage_result(state: TrainingState) -> StageResult:
    """Read the result out of a last state.

    Args:
        state: From ``result_state``.

    Returns:
        What the stage hands on.

    Raises:
        TrainingStateError: If it is no such state.
    """
    if not state.finished:
        raise TrainingStateError("the training has not ended; go on with --params=resume=true")
    facts: Mapping[str, Any] = state.facts
    try:
        gate = facts["gate"]
        scores = {
            name: gate[name] and AgentScore(**gate[name]) for name in ("incoming", "outgoing")
        }
        return StageResult(
            agent=_agent(state, "agent", facts["agent"]),
            history=history_frame(state.part("history")),
            gate=GateReport(**{**gate, **scores}),
            rollbacks=facts["rollbacks"],
            health=facts["health"] and HealthReport(**facts["health"]),
        )
    except MALFORMED as error:
        raise TrainingStateError(
            f"the training state lacks {error} or has it in another form"
        ) from error


def _coaching_facts(coaching: CoachingProgress) -> dict[str, JsonValue]:
    return {
        "judge": _described(coaching.judge),
        "agent": _described(coaching.agent),
        "n_ratings": len(coaching.ratings),
        "progress": {
            "rounds": coaching.rounds,
            "decisions": coaching.decisions,
            "seconds": coaching.seconds,
        },
    }


def _described(agent: Agent) -> dict[str, JsonValue]:
    return {"spec": agent.spec.model_dump(mode="json"), "card": dict(agent.card)}


def _agent(state: TrainingState, part: str, described: Mapping[str, Any]) -> Agent:
    spec = AgentSpec.model_validate(described["spec"])
    return Agent(spec, state.part(part), described["card"])


def _networks(learner: DemonstrationQRDQN) -> dict[str, torch.nn.Module]:
    return {
        "online": learner.network,
        "target": learner.target_network,
        "average": learner.average.network,
    }
