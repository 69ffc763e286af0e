"""Training one stage, from what it is given to what it hands on."""

import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import pandas as pd
from gymnasium.vector import VectorEnv
from pydantic import JsonValue
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import EveryCallback, history_logger, training_callbacks
from qwop_wr.agents.checkpoints import Checkpoints, EvaluationCallback
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.gate import pass_gate
from qwop_wr.agents.health import HealthReport, check_health
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions, StageResult
from qwop_wr.agents.stage_state import TrainingParts, capture, restore
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.agents.transitions import Transitions
from qwop_wr.metric_sink import MetricSink, silent_sink

N_PRETRAINING_RECORDS = 50
"""Entries of the history that a pre-training leaves per metric."""


class StageGames(NamedTuple):
    """What a stage plays.

    Attributes:
        training: Games to learn in.
        evaluation: Games to evaluate in, without automatic reset.
    """

    training: VecEnv
    evaluation: VectorEnv[Any, Any, Any]


class StateKeeper(Protocol):
    """Where the state of a training outlives an interruption."""

    def load(self) -> TrainingState | None:
        """Read the state of an interrupted training, if there is one."""

    def save(self, state: TrainingState) -> None:
        """Keep a state in place of the one before."""


def train_stage(
    options: StageOptions,
    games: StageGames,
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
    seed: int,
    sink: MetricSink = silent_sink,
    keeper: StateKeeper | None = None,
) -> StageResult:
    """Learn from play and demonstrations; never hand on less than was given.

    The agent, after the pre-training that the options ask for, first fills the buffer
    unchanged. While it learns, it is evaluated on a fixed set of starts; a collapse is
    rolled back; and the best checkpoints meet the incoming agent on others at the end.

    Args:
        options: How to learn.
        games: Games to learn and to evaluate in.
        spec: Spec of the agents, from ``options.agent_spec``.
        incoming: Agent to continue from; None begins with a fresh network.
        demonstrations: Used if ``demonstration_share`` says so.
        seed: Seed of everything random.
        sink: Receives metrics while they come.
        keeper: Keeps the state; one that this very task has left is gone on from.

    Returns:
        Agent to hand on, history of the metrics and the gate's report.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit.
        TrainingDivergedError: If a loss is not finite; carries batch and best agent.
    """
    check_inputs(options, games.training, spec, incoming, demonstrations)
    history = MetricHistory(sink)
    starts = draw_starts(seed, "evaluation", options.evaluation_starts)
    checkpoints = Checkpoints(games.evaluation, starts, history)
    task = task_of(options, spec, incoming, demonstrations, seed)
    saved = _saved(keeper, task)
    with single_torch_thread():
        clock = BudgetClock(options.budget, used=_used(saved))
        learner = DemonstrationQRDQN(options, spec, games.training, demonstrations, clock, seed)
        learner.set_logger(history_logger(history))
        guard = CollapseGuard(learner, checkpoints, history)
        parts = TrainingParts(learner, checkpoints, guard, history)
        try:
            if saved is not None:
                restore(parts, saved)
            else:
                _begin(learner, incoming, checkpoints, history)
            _learn(parts, (lambda: keeper.save(capture(parts, task))) if keeper else None)
        except TrainingDivergedError as error:
            error.agent = checkpoints.best
            raise
        gate_starts = draw_starts(seed, "gate", options.gate_starts)
        agent, gate = pass_gate(incoming, checkpoints.agents, games.evaluation, gate_starts)
    if agent is not incoming:
        agent = agent.with_card(**_card(options, incoming, seed))
    health = _health(options, history.frame())
    return StageResult(agent, history.frame(), gate, guard.rollbacks, health)


def _saved(keeper: StateKeeper | None, task: str) -> TrainingState | None:
    state = keeper.load() if keeper else None
    return state if state is not None and state.facts.get("task") == task else None


def _used(saved: TrainingState | None) -> float:
    return cast("float", saved.facts["elapsed"]) if saved else 0.0


def task_of(
    options: StageOptions,
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
    seed: int,
) -> str:
    """Identify a training by all that it follows from.

    Args:
        options: How to learn.
        spec: Spec of the agents.
        incoming: Agent to continue from, if any.
        demonstrations: Demonstrated steps, if any.
        seed: Seed of everything random.

    Returns:
        SHA-256 as hexadecimal text.
    """
    facts = [options.model_dump(mode="json"), spec.identity(), seed]
    facts.append(incoming.fingerprint if incoming else None)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    if demonstrations is not None and options.uses_demonstrations:
        for array in (demonstrations.obs, demonstrations.actions, demonstrations.rewards):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _begin(
    learner: DemonstrationQRDQN,
    incoming: Agent | None,
    checkpoints: Checkpoints,
    history: MetricHistory,
) -> None:
    if incoming is not None:
        learner.load_weights(incoming.weights)
    checkpoints.consider(incoming or learner.agent(), step=0, reference=True)
    if learner.options.pretraining_steps:
        _pretrain(learner, learner.options.pretraining_steps, history)
        checkpoints.consider(learner.agent(), step=0)


def _pretrain(learner: DemonstrationQRDQN, steps: int, history: MetricHistory) -> None:
    every = max(steps // N_PRETRAINING_RECORDS, 1)
    with tqdm(
        total=steps, desc="pre-training", unit=" updates", disable=not learner.options.progress_bar
    ) as bar:

        def record(step: int, metrics: dict[str, float]) -> None:
            bar.update()
            if step % every == 0:
                history.record({f"pretraining/{k}": v for k, v in metrics.items()}, step)

        learner.pretrain(steps, record)


def _learn(parts: TrainingParts, save: Callable[[], None] | None) -> None:
    learner, options = parts.learner, parts.learner.options
    done = learner.num_timesteps
    watchers: list[BaseCallback] = [
        EvaluationCallback(
            parts.checkpoints,
            learner.agent,
            options.evaluation_every,
            parts.guard.watch,
            done - done % options.evaluation_every,
        )
    ]
    if save is not None and options.save_every is not None:
        watchers.append(EveryCallback(save, options.save_every, done))
    with training_callbacks(
        learner.clock, watchers, options.log_every, options.progress_bar
    ) as callbacks:
        learner.learn(
            total_timesteps=options.budget.steps - done if options.budget.steps else sys.maxsize,
            callback=callbacks,
            log_interval=sys.maxsize,
            reset_num_timesteps=False,
        )


def _health(options: StageOptions, history: pd.DataFrame) -> HealthReport | None:
    """Compare the last evaluation with the last one before the stage played."""
    if options.health is None:
        return None
    rates = history[history["metric"] == "evaluation/finish_rate"]
    reference = float(rates.loc[rates["step"] == 0, "value"].iloc[-1])
    return check_health(options.health, reference, float(rates["value"].iloc[-1]))


def _card(options: StageOptions, incoming: Agent | None, seed: int) -> dict[str, JsonValue]:
    return {
        "options": options.model_dump(mode="json"),
        "reward_scale": options.reward_scale,
        "seed": seed,
        "incoming": incoming.fingerprint if incoming else None,
    }


def check_inputs(
    options: StageOptions,
    training_env: VecEnv,
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
) -> None:
    """Make sure that a stage's inputs fit one another, before anything is trained.

    Args:
        options: How to learn.
        training_env: Games to learn in.
        spec: Spec of the agents.
        incoming: Agent to continue from, if any.
        demonstrations: Demonstrated steps, if any.

    Raises:
        ValueError: Naming what does not fit and what would.
    """
    if incoming is not None:
        _check_incoming(incoming.spec, spec)
    shape = training_env.observation_space.shape
    if shape != (spec.n_observations,):
        raise ValueError(
            f"the training environment's observations have shape {shape}, "
            f"the agent's ({spec.n_observations},)"
        )
    if not options.uses_demonstrations:
        return
    if demonstrations is None:
        raise ValueError("demonstration_share is above 0, but there are no demonstrations")
    if demonstrations.obs.shape[1] != spec.n_observations:
        raise ValueError(
            f"demonstrations hold {demonstrations.obs.shape[1]} numbers per observation, "
            f"the environment gives {spec.n_observations}; record them anew with its observation"
        )
    longest = int(np.diff(np.flatnonzero(demonstrations.ends), prepend=-1).max())
    if options.n_steps > longest:
        raise ValueError(
            f"n_steps is {options.n_steps}, but the longest demonstrated episode has {longest} "
            "decisions; lower n_steps"
        )
    if demonstrations.actions.max() >= spec.n_actions:
        raise ValueError(
            f"demonstrations hold action {demonstrations.actions.max()}, the environment has "
            f"actions 0 to {spec.n_actions - 1}; record them anew with its action set"
        )


def _check_incoming(incoming: AgentSpec, spec: AgentSpec) -> None:
    for name in type(spec).model_fields:
        if name != "engine" and getattr(incoming, name) != getattr(spec, name):
            raise ValueError(
                f"the incoming agent has {name} = {getattr(incoming, name)!r}, "
                f"but the stage asks for {getattr(spec, name)!r}"
            )
