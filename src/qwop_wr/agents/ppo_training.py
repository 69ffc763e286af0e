"""Training an agent from scratch with PPO, in steps that can be gone on from."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import pandas as pd
from gymnasium.vector import VectorEnv
from pydantic import JsonValue
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import history_logger, training_callbacks
from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.state import (
    TrainingState,
    global_generators,
    history_arrays,
    history_frame,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    restore_global_generators,
    under,
)
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.metric_sink import MetricSink, silent_sink

_MAY_CHANGE: Final = {"budget", "progress_bar", "log_every", "device"}
CORE_MINUTES: Final = "time/core_minutes"
"""Metric of an evaluation: processor time of the training until then."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training has given so far.

    Attributes:
        agent: The best agent that was evaluated.
        history: Metrics in long form: ``step``, ``metric``, ``value``.
    """

    agent: Agent
    history: pd.DataFrame


def training_result(state: TrainingState) -> TrainingResult:
    """Read what a training has given out of its state.

    Args:
        state: As ``PPOTraining.run`` gave it.

    Returns:
        Best agent and history.

    Raises:
        ValueError: If the state is not that of such a training.
    """
    facts = state.facts
    try:
        best = cast("dict[str, Any]", facts["best"])
        agent = Agent(AgentSpec.model_validate(best["spec"]), state.part("best"), best["card"])
        history = history_frame(state.part("history"))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"the training state lacks {error} or has it in another form") from error
    return TrainingResult(agent, history)


class PPOTraining:
    """A training from scratch that keeps the best agent that an evaluation saw.

    Args:
        options: How to train.
        training_env: Games to learn in.
        evaluation_env: Games to evaluate in, without automatic reset.
        spec: Spec of the agents, from ``options.agent_spec``.
        seed: Seed of everything random.
        sink: Receives metrics while they come.
        time_to_beat: Shown in the progress bar, if given [s].

    Raises:
        ValueError: If an update's samples do not split into whole batches.
    """

    def __init__(
        self,
        options: PPOOptions,
        training_env: VecEnv,
        evaluation_env: VectorEnv[Any, Any, Any],
        spec: AgentSpec,
        seed: int,
        sink: MetricSink = silent_sink,
        time_to_beat: float | None = None,
    ) -> None:
        n_samples = options.n_steps * training_env.num_envs
        if n_samples % options.batch_size:
            raise ValueError(
                f"batch_size {options.batch_size} must divide n_steps x games = {n_samples}"
            )
        self._options, self._env, self._spec, self._seed = options, training_env, spec, seed
        self._evaluation_env, self._sink = evaluation_env, sink
        self._origin: dict[str, JsonValue] = {
            "options": options.model_dump(mode="json", exclude=_MAY_CHANGE),
            "spec": spec.model_dump(mode="json"),
            "seed": seed,
        }
        self._notes = {} if time_to_beat is None else {"to_beat": f"{time_to_beat:.2f} s"}

    def run(self, state: TrainingState | None = None) -> Iterator[TrainingState]:
        """Train until the budget is used up.

        Args:
            state: State to go on from; the games under way then begin anew.

        Yields:
            The state after every evaluation; the last one is that of the end.

        Raises:
            ValueError: If the state is that of a training with other options.
            TrainingDivergedError: If weights are no longer finite; carries the best
                agent so far.
        """
        used = 0.0
        if state is not None:
            self._check_origin(state)
            used = cast("float", state.facts["seconds"])
        options, started = self._options, time.process_time()
        with single_torch_thread():
            clock = BudgetClock(options.budget, used=used)
            model = ScheduledPPO(options, self._env, clock, self._seed)
            history = MetricHistory(self._sink)
            starts = draw_starts(self._seed, "evaluation", options.evaluation_starts)
            checkpoints = Checkpoints(self._evaluation_env, starts, history)
            if state is not None:
                started -= cast("float", state.facts["core_seconds"])
                self._restore(state, model, checkpoints, history)
            model.set_logger(history_logger(history))
            with training_callbacks(
                clock, [], options.log_every, options.progress_bar, self._notes
            ) as callbacks:
                while clock.progress(model.num_timesteps) < 1.0:
                    self._learn(model, callbacks, checkpoints)
                    core_seconds = time.process_time() - started
                    step = model.num_timesteps
                    history.record({CORE_MINUTES: core_seconds / 60.0}, step)
                    self._evaluate(model, checkpoints)
                    yield self._state(model, clock, core_seconds, checkpoints, history)

    def _learn(
        self, model: ScheduledPPO, callbacks: CallbackList, checkpoints: Checkpoints
    ) -> None:
        """Learn until the next evaluation or the end of the budget."""
        limit = self._options.budget.steps or sys.maxsize
        steps = min(self._options.evaluation_every, limit - model.num_timesteps)
        try:
            model.learn(
                steps, callback=callbacks, log_interval=sys.maxsize, reset_num_timesteps=False
            )
        except TrainingDivergedError as error:
            error.agent = checkpoints.best
            raise

    def _evaluate(self, model: ScheduledPPO, checkpoints: Checkpoints) -> None:
        agent = extract_agent(self._spec, model).with_card(
            options=self._options.model_dump(mode="json"), seed=self._seed
        )
        checkpoints.consider(agent, model.num_timesteps)
        best = checkpoints.best_score
        if best is not None and best.best_time is not None and best.median_time is not None:
            self._notes["best"] = f"{best.best_time:.2f} s"
            self._notes["median"] = f"{best.median_time:.2f} s"

    def _state(
        self,
        model: ScheduledPPO,
        clock: BudgetClock,
        core_seconds: float,
        checkpoints: Checkpoints,
        history: MetricHistory,
    ) -> TrainingState:
        best, score = checkpoints.best, checkpoints.best_score
        assert best is not None  # noqa: S101 - there has been an evaluation
        assert score is not None  # noqa: S101
        arrays = {
            **under("policy", module_arrays(model.policy)),
            **under("optimiser", optimiser_arrays(model.policy.optimizer)),
            **under("generator", global_generators()),
            **under("best", best.weights),
            **under("history", history_arrays(history.frame())),
        }
        facts: dict[str, JsonValue] = {
            **self._origin,
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "seconds": clock.seconds,
            "core_seconds": core_seconds,
            "best": {
                "spec": best.spec.model_dump(mode="json"),
                "card": dict(best.card),
                "score": {**score.metrics()},
            },
        }
        return TrainingState(arrays, facts)

    def _check_origin(self, state: TrainingState) -> None:
        for name, value in self._origin.items():
            if state.facts.get(name) != value:
                raise ValueError(
                    f"it is the state of a training with other {name}; go on with those, "
                    "or begin anew with --params=resume=false"
                )

    def _restore(
        self,
        state: TrainingState,
        model: ScheduledPPO,
        checkpoints: Checkpoints,
        history: MetricHistory,
    ) -> None:
        load_module(model.policy, state.part("policy"))
        load_optimiser(model.policy.optimizer, state.part("optimiser"))
        model.num_timesteps = cast("int", state.facts["steps"])
        model._n_updates = cast("int", state.facts["updates"])
        best = cast("dict[str, Any]", state.facts["best"])
        score = {"median_time": None, **best["score"]}
        result = training_result(state)
        history.extend(result.history)
        checkpoints.restore(result.agent, AgentScore(**score))
        restore_global_generators(state.part("generator"))
