"""The training loop: one for every algorithm, resumable to the bit."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import pandas as pd
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import Checkpoints, SaveSchedule, read_ranked
from qwop_wr.agents.gate import AgentScore, draw_starts
from qwop_wr.agents.learners.learner import Learner, LearningGames, Progress
from qwop_wr.agents.learners.options import (
    BOOKKEEPING,
    LearningOptions,
    PPOLearning,
    PPOOptions,
    TrainingOptions,
)
from qwop_wr.agents.learners.ppo import VectorPPO
from qwop_wr.agents.learners.sb3 import SB3Learner
from qwop_wr.agents.metrics import MetricHistory, ProgressBar, also_to_tensorboard
from qwop_wr.agents.schedules import BudgetClock
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    MALFORMED,
    TrainingDivergedError,
    TrainingState,
    TrainingStateError,
    history_arrays,
    history_frame,
    prefixed,
    resumable,
)
from qwop_wr.compute import single_thread
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_if_requested, stops_itself

CORE_MINUTES: Final = "time/core_minutes"
"""Metric of an evaluation: processor time of the training so far."""


@dataclass(frozen=True, eq=False)
class LearnerTask:
    """An algorithm, its agents and what they begin with.

    Attributes:
        spec: Spec of the agents, from ``learning.agent_spec``.
        initial_agent: Agent whose weights replace the random ones.
        keep_at: Steps at which an agent is kept for other trainings to begin with.

    Raises:
        ValueError: If the agent to begin with has another spec.
    """

    learning: LearningOptions
    spec: AgentSpec
    seed: int
    initial_agent: Agent | None = None
    keep_at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.initial_agent is not None:
            earlier = self.initial_agent.spec
            self.spec.check_continues(earlier, "the agent to begin with", "the training")

    def learner(self, games: LearningGames, progress: Progress) -> Learner:
        """Makes the learner, untrained."""
        learning, spec = self.learning, self.spec
        learner: Learner
        if isinstance(learning, PPOLearning) and learning.algorithm == "own_ppo":
            bootstrap = games.bootstrap_finish
            learner = VectorPPO(learning, spec, games.games, progress, self.seed, bootstrap)
        else:
            learner = SB3Learner(learning, spec, games, progress, self.seed)
        if self.initial_agent is not None:
            learner.start_from(self.initial_agent)
        return learner


@dataclass(eq=False)
class TrainingContext:
    """A running training.

    Attributes:
        evaluated_at: Step of the last evaluation.
        logged_at: Step of the last entry of the learner's metrics.
        diverged_at: Step at which weights were no longer finite, if they were not.
        kept: Agents kept for other trainings, by step.
        began: Processor time at which the training would have begun in one go [s].
    """

    learner: Learner
    clock: BudgetClock
    history: MetricHistory
    checkpoints: Checkpoints
    saves: SaveSchedule
    bar: ProgressBar
    evaluated_at: int = 0
    logged_at: int = 0
    diverged_at: int | None = None
    finished: bool = False
    kept: dict[int, Agent] = field(default_factory=dict)
    began: float = field(default_factory=time.process_time)

    def __post_init__(self) -> None:
        self.begin_timing()

    def begin_timing(self) -> None:
        """Counts steps per second from now on."""
        self._timed = self.learner.steps, time.monotonic()

    def recent_episodes(self) -> dict[str, float]:
        """Averages over the latest training episodes."""
        return {f"rollout/{k}": v for k, v in self.learner.episodes.metrics().items()}

    def log(self) -> None:
        """Records the metrics of the learner and of its recent episodes."""
        steps, now = self.learner.steps, time.monotonic()
        since, began = self._timed
        rate = {"time/fps": (steps - since) / max(now - began, 1e-9)}
        self.history.record({**self.learner.metrics(), **self.recent_episodes(), **rate}, steps)
        self.logged_at, self._timed = steps, (steps, now)


class Training(ABC):
    """A training that yields its state while it runs, and continues from any of them.

    Limited by steps, a training that is stopped and continued ends in the same weights and
    metrics, times aside, as one that never stopped.

    Args:
        evaluation_games: Groups of games to evaluate in, without automatic reset.
        origin: Everything that the training depends on; a state of another origin is refused.
        time_to_beat: Shown in the progress bar [s].
        keep_at: Steps at which an agent is kept for other trainings to begin with.
    """

    def __init__(
        self,
        options: TrainingOptions,
        evaluation_games: Sequence[VectorEnv[Any, Any, Any]],
        seed: int,
        origin: Mapping[str, JsonValue],
        time_to_beat: float | None = None,
        keep_at: Sequence[int] = (),
    ) -> None:
        self._training_options, self._seed = options, seed
        self._evaluation_games = evaluation_games
        self._time_to_beat, self._keep_at = time_to_beat, keep_at
        self.origin = dict(origin)

    @abstractmethod
    def is_over(self, state: TrainingState) -> bool:
        """Returns whether nothing is left to do after this state."""

    @abstractmethod
    def _make_learner(self, progress: Progress) -> Learner:
        """Makes the learner, untrained."""

    @abstractmethod
    def _phases(self, context: TrainingContext) -> Iterator[None]:
        """Learns from beginning to end; yields where a state is due."""

    def _last_state(self, context: TrainingContext) -> TrainingState | None:
        """Makes the last state if the phases have not yielded it."""
        return None

    def run(
        self, state: TrainingState | None = None, sink: MetricSink = silent_sink
    ) -> Iterator[TrainingState]:
        """Trains until the budget is used up or a stop is requested.

        Yields:
            The state whenever it is due, and at the end, finished.

        Raises:
            TrainingStateError: If ``state`` is that of another training.
            TrainingDivergedError: If a loss or weight is not finite; carries the best agent.
            KeyboardInterrupt: If a stop was requested; the state has been yielded.
        """
        state = resumable(state, self.origin)
        if state is not None and self.is_over(state):
            yield state
            return
        options = self._training_options
        with (
            single_thread(),
            also_to_tensorboard(sink, options.tensorboard) as both,
            ProgressBar(options.progress_bar) as bar,
        ):
            context = self._begin(state, both, bar)
            try:
                with stops_itself():
                    for _ in self._phases(context):
                        reached = self._state(context)
                        yield reached
                        context.learner.after_saving(reached)
                        context.saves.passed(context.learner.steps)
                        stop_if_requested()
            except TrainingDivergedError as error:
                best = context.checkpoints.best
                error.agent = best.agent if best else None
                raise
            last = self._last_state(context)
            if last is not None:
                yield last

    def _loop(
        self,
        context: TrainingContext,
        progress: Progress,
        evaluation_every: int,
        log_every: int,
        on_score: Callable[[AgentScore], None] | None = None,
        activity: str = "training",
    ) -> Iterator[None]:
        """Acts, steps, stores, learns, evaluates, checkpoints; yields where a state is due.

        ``on_score`` is called with every score but the last; ``activity`` names the bar.
        """
        learner = context.learner
        context.bar.begin(learner.steps, activity)
        is_over = progress(learner.steps) >= 1.0
        while not is_over:
            learner.iterate()  # act, step, store, learn
            steps, done = learner.steps, progress(learner.steps)
            is_over = done >= 1.0
            self._keep(context)
            context.bar.show(steps, done, learner.episodes)
            if is_over or _has_passed(log_every, context.logged_at, steps):
                context.log()
            evaluates = _has_passed(evaluation_every, context.evaluated_at, steps)
            if evaluates or (is_over and steps > context.evaluated_at):
                score = self._evaluate(context)
                if not is_over and on_score is not None:
                    on_score(score)
            if not is_over and context.saves.due(steps, evaluates):
                yield

    def _evaluate(self, context: TrainingContext) -> AgentScore:
        context.evaluated_at = context.learner.steps
        minutes = (time.process_time() - context.began) / 60.0
        context.history.record({CORE_MINUTES: minutes}, context.learner.steps)
        agent = self._carded(context.learner.agent())
        score = context.checkpoints.consider(agent, context.learner.steps)
        self._note_best(context)
        return score

    def _note_best(self, context: TrainingContext) -> None:
        best = context.checkpoints.best
        if best is not None:
            context.bar.note(best=best.score.best_time, median=best.score.median_time)

    def _keep(self, context: TrainingContext) -> None:
        steps = context.learner.steps
        for step in self._keep_at:
            if steps >= step and step not in context.kept:
                context.kept[step] = context.learner.agent().with_card(steps=steps)

    def _carded(self, agent: Agent) -> Agent:
        return agent

    def _begin(
        self, state: TrainingState | None, sink: MetricSink, bar: ProgressBar
    ) -> TrainingContext:
        options = self._training_options
        used = 0.0 if state is None else cast("float", state.facts["seconds"])
        clock, history = BudgetClock(options.budget, used=used), MetricHistory(sink)
        starts = draw_starts(self._seed, "evaluation", options.evaluation_starts)
        context = TrainingContext(
            self._make_learner(clock.progress),
            clock,
            history,
            Checkpoints(self._evaluation_games, starts, history),
            SaveSchedule(options.save_every, options.save_minutes),
            bar,
        )
        if state is not None:
            try:
                self._restore(context, state)
            except MALFORMED as error:
                raise TrainingStateError(f"it does not fit this training: {error}") from error
            context.begin_timing()
            self._note_best(context)
        bar.note(to_beat=self._time_to_beat)
        return context

    def _state(self, context: TrainingContext) -> TrainingState:
        arrays = {
            **self._learner_arrays(context),
            **context.checkpoints.arrays(),
            **prefixed("history", history_arrays(context.history.frame())),
        }
        for step, agent in context.kept.items():
            arrays |= prefixed(f"kept{step}", agent.weights)
        facts: dict[str, JsonValue] = {
            **self.origin,
            **context.learner.facts(),
            **context.checkpoints.facts(),
            "finished": context.finished,
            "diverged_at": context.diverged_at,
            "evaluated_at": context.evaluated_at,
            "logged_at": context.logged_at,
            "seconds": context.clock.seconds,
            "core_seconds": time.process_time() - context.began,
            "kept": [*sorted(context.kept)],
        }
        return TrainingState(arrays, facts)

    def _restore(self, context: TrainingContext, state: TrainingState) -> None:
        facts = cast("Mapping[str, Any]", state.facts)
        context.checkpoints.restore(state)
        self._restore_learner(context, state)
        context.history.extend(history_frame(state.part("history")))
        context.saves.passed(context.learner.steps)
        context.evaluated_at, context.logged_at = facts["evaluated_at"], facts["logged_at"]
        context.kept = {step: kept_agent(state, step) for step in kept_steps(state)}
        context.began -= facts["core_seconds"]

    def _learner_arrays(self, context: TrainingContext) -> Mapping[str, NDArray[Any]]:
        return context.learner.arrays()

    def _restore_learner(self, context: TrainingContext, state: TrainingState) -> None:
        context.learner.restore(state)


class LearnerTraining(Training):
    """A training with any algorithm that keeps the best agent evaluated.

    Args:
        conditions: Whatever else the training depends on, by name.
        records_divergence: Weights that are no longer finite end the training with a state
            that has the step as ``diverged_at``, instead of raising.

    Raises:
        ValueError: If the samples of a PPO's rollout do not split into whole batches.
    """

    def __init__(
        self,
        options: TrainingOptions,
        task: LearnerTask,
        games: LearningGames,
        evaluation_games: Sequence[VectorEnv[Any, Any, Any]],
        conditions: Mapping[str, JsonValue] | None = None,
        time_to_beat: float | None = None,
        records_divergence: bool = False,
    ) -> None:
        shared = set(TrainingOptions.model_fields)
        evaluated = options.model_dump(mode="json", include=shared - BOOKKEEPING - {"budget"})
        learning = task.learning.model_dump(mode="json", exclude=shared)
        blocks: dict[str, JsonValue] = {"options": evaluated, "learning": learning}
        if isinstance(options, PPOOptions):
            blocks = {"options": {**evaluated, **learning}}
        origin: dict[str, JsonValue] = {
            **blocks,
            "spec": task.spec.model_dump(mode="json"),
            "seed": task.seed,
            "begin_with": task.initial_agent.fingerprint if task.initial_agent else None,
            **(conditions or {}),
        }
        super().__init__(options, evaluation_games, task.seed, origin, time_to_beat, task.keep_at)
        _check_batches(options, cast("VecEnv", games).num_envs)
        self._task, self._games = task, games
        self._records_divergence = records_divergence

    def is_over(self, state: TrainingState) -> bool:
        """Returns whether the training has diverged or used up its budget."""
        return self._training_options.is_over(state)

    def _make_learner(self, progress: Progress) -> Learner:
        return self._task.learner(self._games, progress)

    def _phases(self, context: TrainingContext) -> Iterator[None]:
        options = self._training_options
        if not context.checkpoints.ranked:
            self._evaluate(context)
        try:
            yield from self._loop(
                context,
                partial(options.progress, clock=context.clock),
                options.evaluation_every,
                options.log_every,
            )
        except TrainingDivergedError:
            if not self._records_divergence:
                raise
            context.diverged_at = context.learner.steps
            context.history.record(context.recent_episodes(), context.diverged_at)
        context.finished = True
        yield

    def _carded(self, agent: Agent) -> Agent:
        shared = set(TrainingOptions.model_fields)
        options = self._task.learning.model_dump(mode="json", exclude=shared)
        return agent.with_card(options=options, seed=self._task.seed)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The best agent evaluated, and metrics in long form: ``step``, ``metric``, ``value``."""

    agent: Agent
    history: pd.DataFrame


def training_result(state: TrainingState) -> TrainingResult:
    """Reads the result from a state of ``LearnerTraining``.

    Raises:
        TrainingStateError: If the state is not that of such a training.
    """
    try:
        history = history_frame(state.part("history"))
        return TrainingResult(read_ranked(state)[0].agent, history)
    except (KeyError, IndexError, TypeError) as error:
        raise TrainingStateError(
            f"the training state lacks {error} or has it in another form"
        ) from error


def kept_steps(state: TrainingState) -> list[int]:
    """Reads the steps, in order, at which a training has kept agents."""
    return [int(step) for step in cast("list[int]", state.facts["kept"])]


def kept_agent(state: TrainingState, step: int) -> Agent:
    """Reads the agent that a training kept at one of ``kept_steps``."""
    return state.agent(f"kept{step}", {"spec": state.facts["spec"], "card": {"steps": step}})


def _has_passed(every: int, before: int, now: int) -> bool:
    return now // every > before // every


def _check_batches(options: TrainingOptions, n_games: int) -> None:
    if not isinstance(options, PPOOptions):
        return
    n_samples = options.n_steps * n_games
    if n_samples % options.batch_size:
        raise ValueError(
            f"batch_size {options.batch_size} must divide n_steps x games = {n_samples}"
        )
