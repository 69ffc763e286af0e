"""Training one stage, from what it is given to what it hands on."""

import sys
from typing import Any

from gymnasium.vector import VectorEnv
from pydantic import JsonValue
from stable_baselines3.common.vec_env import VecEnv
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import history_logger, training_callbacks
from qwop_wr.agents.checkpoints import Checkpoints, EvaluationCallback
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.gate import pass_gate
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions, StageResult
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.agents.transitions import Transitions
from qwop_wr.metric_sink import MetricSink, silent_sink

N_PRETRAINING_RECORDS = 50
"""Entries of the history that a pre-training leaves per metric."""


def train_stage(
    options: StageOptions,
    training_env: VecEnv,
    evaluation_env: VectorEnv[Any, Any, Any],
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
    seed: int,
    sink: MetricSink = silent_sink,
) -> StageResult:
    """Learn from play and demonstrations; never hand on less than was given.

    The incoming agent, or a fresh one, after the pre-training that the options ask
    for, first fills the buffer unchanged. While it learns, it is evaluated on a fixed
    set of starts, and the best checkpoint meets the incoming agent on others at the
    end.

    Args:
        options: How to learn.
        training_env: Games to learn in.
        evaluation_env: Games to evaluate in, without automatic reset.
        spec: Spec of the agents, from ``options.agent_spec``.
        incoming: Agent to continue from; None begins with a fresh network.
        demonstrations: Demonstrated steps; used if ``demonstration_share`` says so.
        seed: Seed of everything random.
        sink: Receives metrics while they come.

    Returns:
        Agent to hand on, history of the metrics and the gate's report.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit
            one another.
        TrainingDivergedError: If a loss is not finite; carries the best agent so far.
    """
    check_inputs(options, training_env, spec, incoming, demonstrations)
    history = MetricHistory(sink)
    starts = draw_starts(seed, "evaluation", options.evaluation_starts)
    checkpoints = Checkpoints(evaluation_env, starts, history)
    with single_torch_thread():
        clock = BudgetClock(options.budget)
        learner = DemonstrationQRDQN(options, spec, training_env, demonstrations, clock, seed)
        learner.set_logger(history_logger(history))
        try:
            _begin(learner, incoming, checkpoints, history)
            _learn(learner, checkpoints, clock)
        except TrainingDivergedError as error:
            error.agent = checkpoints.best
            raise
        assert checkpoints.best is not None  # noqa: S101 - step 0 has been evaluated
        gate_starts = draw_starts(seed, "gate", options.gate_starts)
        agent, gate = pass_gate(incoming, checkpoints.best, evaluation_env, gate_starts)
    if agent is not incoming:
        agent = agent.with_card(**_card(options, incoming, seed))
    return StageResult(agent, history.frame(), gate)


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


def _learn(learner: DemonstrationQRDQN, checkpoints: Checkpoints, clock: BudgetClock) -> None:
    options = learner.options
    evaluation = EvaluationCallback(checkpoints, learner.agent, options.evaluation_every)
    with training_callbacks(
        clock, evaluation, options.log_every, options.progress_bar
    ) as callbacks:
        learner.learn(
            total_timesteps=options.budget.steps or sys.maxsize,
            callback=callbacks,
            log_interval=sys.maxsize,
        )


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
