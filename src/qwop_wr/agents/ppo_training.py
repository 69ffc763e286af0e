"""Training an agent from scratch with PPO, in steps that can be gone on from."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final, cast

import pandas as pd
from gymnasium.vector import VectorEnv
from pydantic import JsonValue
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import MetricsCallback, history_logger, training_callbacks
from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.collected_ppo import CollectedPPO
from qwop_wr.agents.collection import Collection, Collector, Delivery, Order, collection_job
from qwop_wr.agents.errors import TrainingDivergedError, TrainingStateError
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.learner_state import (
    games_arrays,
    learner_facts,
    restore_games,
    restore_learner,
)
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent, load_weights
from qwop_wr.agents.save_points import PauseCallback, SavePoints, TrainingPause
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.state import (
    MALFORMED,
    TrainingState,
    global_generators,
    history_arrays,
    history_frame,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    restore_global_generators,
    resumable,
    under,
)
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.compute import ComputeOptions, Stream
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_if_requested, stops_itself

_MAY_CHANGE: Final = {
    "budget",
    "progress_bar",
    "log_every",
    "device",
    "save_every",
    "save_minutes",
}
CORE_MINUTES: Final = "time/core_minutes"
"""Metric of an evaluation: processor time of the training until then."""


_Stretches = Stream[Collection, Order, Delivery]


@dataclass(frozen=True, eq=False)
class Workers:
    """Who collects experience, if the options say so.

    Attributes:
        make_games: Makes one shard's part of the games; can be sent to another process.
        compute: Where these are played.
    """

    make_games: Callable[[], VecEnv]
    compute: ComputeOptions


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
        TrainingStateError: If the state is not that of such a training, or no agent has
            been evaluated yet.
    """
    facts = state.facts
    try:
        best = cast("dict[str, Any]", facts["best"])
        agent = Agent(AgentSpec.model_validate(best["spec"]), state.part("best"), best["card"])
        history = history_frame(state.part("history"))
    except (KeyError, IndexError, TypeError) as error:
        raise TrainingStateError(
            f"the training state lacks {error} or has it in another form"
        ) from error
    return TrainingResult(agent, history)


@dataclass(eq=False)
class _Parts:
    """A training in its course."""

    model: ScheduledPPO
    clock: BudgetClock
    checkpoints: Checkpoints
    history: MetricHistory
    metrics: MetricsCallback
    points: SavePoints
    evaluated_at: int = 0
    began: float = 0.0
    """Processor time at which the training would have begun in one go [s]."""

    @property
    def core_seconds(self) -> float:
        """Processor time of the training until now [s]."""
        return time.process_time() - self.began


class PPOTraining:
    """A training from scratch that keeps the best agent that an evaluation saw.

    Args:
        options: How to train.
        training_env: Games to learn in, whose state can be read and set.
        evaluation_env: Games to evaluate in, without automatic reset.
        spec: Spec of the agents, from ``options.agent_spec``.
        seed: Seed of everything random.
        task: What the training follows from besides, by name, as JSON.
        time_to_beat: Shown in the progress bar, if given [s].
        workers: Collect experience, if ``options.collection`` says how.
        initial: Agent of that spec to go on from; random weights without one.

    Attributes:
        origin: All that the training follows from; a state of another origin is refused.

    Raises:
        ValueError: If an update's samples do not split into whole batches, or the initial
            agent is of another spec.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (what a training is made of)
        self,
        options: PPOOptions,
        training_env: VecEnv,
        evaluation_env: VectorEnv[Any, Any, Any],
        spec: AgentSpec,
        seed: int,
        task: Mapping[str, JsonValue] | None = None,
        time_to_beat: float | None = None,
        workers: Workers | None = None,
        initial: Agent | None = None,
    ) -> None:
        if initial is not None:
            spec.check_continues(initial.spec, "the agent to go on from", "the training")
        n_samples = options.n_steps * training_env.num_envs
        if n_samples % options.batch_size:
            raise ValueError(
                f"batch_size {options.batch_size} must divide n_steps x games = {n_samples}"
            )
        self._options, self._env, self._spec, self._seed = options, training_env, spec, seed
        self._evaluation_env, self._workers = evaluation_env, workers
        self._initial = initial
        self.origin: dict[str, JsonValue] = {
            "options": options.model_dump(mode="json", exclude=_MAY_CHANGE),
            "spec": spec.model_dump(mode="json"),
            "seed": seed,
            **(task or {}),
            **({} if initial is None else {"initial": initial.fingerprint}),
        }
        self._notes = {} if time_to_beat is None else {"to_beat": f"{time_to_beat:.2f} s"}

    def is_over(self, state: TrainingState) -> bool:
        """Tell whether nothing is left to do; a larger budget leaves something.

        Args:
            state: A state of this training.
        """
        used = cast("float", state.facts["seconds"])
        clock = BudgetClock(self._options.budget, used=used)
        return state.finished and clock.progress(cast("int", state.facts["steps"])) >= 1.0

    def run(
        self, state: TrainingState | None = None, sink: MetricSink = silent_sink
    ) -> Iterator[TrainingState]:
        """Train until the budget is used up, or until a stop is requested.

        A training limited by steps comes to the same weights and metrics, times aside,
        however often it is stopped and gone on with.

        Args:
            state: State to go on from.
            sink: Receives metrics while they come.

        Yields:
            The state whenever it is due, and at the end.

        Raises:
            TrainingStateError: If the state is that of another training.
            TrainingDivergedError: If weights are no longer finite; carries the best
                agent so far.
            KeyboardInterrupt: If a stop was requested; the state has been given out.
        """
        state = resumable(state, self.origin)
        if state is not None and self.is_over(state):
            yield state
            return
        with stops_itself(), single_torch_thread(), self._stretches() as stretches:
            parts = self._parts(state, sink, stretches)
            if state is None and self._initial is not None:
                load_weights(parts.model, self._initial)
                self._evaluate(parts)
            with training_callbacks(
                parts.clock,
                [PauseCallback(parts.points)],
                parts.metrics,
                self._options.progress_bar,
                self._notes,
            ) as callbacks:
                finished = False
                while not finished:
                    if self._learn(parts, callbacks):
                        self._evaluate(parts)
                        finished = parts.clock.progress(parts.model.num_timesteps) >= 1.0
                    if finished or parts.points.due(parts.model.num_timesteps):
                        reached = self._state(parts, finished)
                        yield reached
                        # Others may have drawn from them meanwhile.
                        restore_global_generators(reached.part("generator"))
                        parts.points.passed(parts.model.num_timesteps)
                        stop_if_requested()

    def _stretches(self) -> "_Stretches | nullcontext[None]":
        """Workers that play, if there are any."""
        options, workers = self._options, self._workers
        if options.collection is None or workers is None:
            return nullcontext()
        collection = Collection(workers.make_games, options.n_steps, self._seed)
        return Stream(collection_job(collection), workers.compute)

    def _learner(
        self, clock: BudgetClock, state: TrainingState | None, stretches: _Stretches | None
    ) -> ScheduledPPO:
        options, env, seed = self._options, self._env, self._seed
        if options.collection is None or stretches is None:
            return ScheduledPPO(options, env, clock, seed)
        steps = 0 if state is None else cast("int", state.facts["steps"])
        first = steps // (options.n_steps * env.num_envs)
        collector = Collector(stretches, options.collection, first)
        return CollectedPPO(options, env, clock, seed, collector, self._spec)

    def _parts(
        self, state: TrainingState | None, sink: MetricSink, stretches: _Stretches | None
    ) -> _Parts:
        options = self._options
        used = 0.0 if state is None else cast("float", state.facts["seconds"])
        clock, history = BudgetClock(options.budget, used=used), MetricHistory(sink)
        starts = draw_starts(self._seed, "evaluation", options.evaluation_starts)
        parts = _Parts(
            self._learner(clock, state, stretches),
            clock,
            Checkpoints(self._evaluation_env, starts, history),
            history,
            MetricsCallback(options.log_every),
            SavePoints(options.save_every, options.save_minutes),
            began=time.process_time(),
        )
        parts.model.set_logger(history_logger(history))
        if state is not None:
            try:
                self._restore(state, parts)
            except MALFORMED as error:
                raise TrainingStateError(f"it does not fit this training: {error}") from error
        return parts

    def _learn(self, parts: _Parts, callbacks: CallbackList) -> bool:
        """Learn until the next evaluation or the end of the budget; False if paused before."""
        model, options = parts.model, self._options
        limit = options.budget.steps or sys.maxsize
        steps = min(parts.evaluated_at + options.evaluation_every, limit) - model.num_timesteps
        try:
            model.learn(
                steps, callback=callbacks, log_interval=sys.maxsize, reset_num_timesteps=False
            )
        except TrainingPause:
            return False
        except TrainingDivergedError as error:
            error.agent = parts.checkpoints.best
            raise
        return True

    def _evaluate(self, parts: _Parts) -> None:
        model, checkpoints = parts.model, parts.checkpoints
        parts.evaluated_at = model.num_timesteps
        parts.history.record({CORE_MINUTES: parts.core_seconds / 60.0}, model.num_timesteps)
        agent = extract_agent(self._spec, model).with_card(
            options=self._options.model_dump(mode="json"), seed=self._seed
        )
        checkpoints.consider(agent, model.num_timesteps)
        self._note_best(checkpoints)

    def _note_best(self, checkpoints: Checkpoints) -> None:
        best = checkpoints.best_score
        if best is not None and best.best_time is not None and best.median_time is not None:
            self._notes["best"] = f"{best.best_time:.2f} s"
            self._notes["median"] = f"{best.median_time:.2f} s"

    def _state(self, parts: _Parts, finished: bool) -> TrainingState:
        model, best, score = parts.model, parts.checkpoints.best, parts.checkpoints.best_score
        arrays = {
            **under("policy", module_arrays(model.policy)),
            **under("optimiser", optimiser_arrays(model.policy.optimizer)),
            **under("generator", global_generators()),
            **under("best", best.weights if best else {}),
            **under("history", history_arrays(parts.history.frame())),
            **games_arrays(model),
        }
        facts: dict[str, JsonValue] = {
            **self.origin,
            **learner_facts(model),
            "finished": finished,
            "evaluated_at": parts.evaluated_at,
            "metrics": parts.metrics.state(),
            "seconds": parts.clock.seconds,
            "core_seconds": parts.core_seconds,
            "best": None,
        }
        if best is not None and score is not None:
            facts["best"] = {
                "spec": best.spec.model_dump(mode="json"),
                "card": dict(best.card),
                "score": {**score.metrics()},
            }
        return TrainingState(arrays, facts)

    def _restore(self, state: TrainingState, parts: _Parts) -> None:
        model, facts = parts.model, cast("Mapping[str, Any]", state.facts)
        load_module(model.policy, state.part("policy"))
        load_optimiser(model.policy.optimizer, state.part("optimiser"))
        restore_learner(model, facts)
        restore_games(model, state)
        parts.evaluated_at = facts["evaluated_at"]
        parts.began -= facts["core_seconds"]
        parts.metrics.restore(facts["metrics"])
        parts.points.passed(model.num_timesteps)
        parts.history.extend(history_frame(state.part("history")))
        if facts["best"] is not None:
            score = AgentScore(**{"median_time": None, **facts["best"]["score"]})
            parts.checkpoints.restore(training_result(state).agent, score)
            self._note_best(parts.checkpoints)
        restore_global_generators(state.part("generator"))
