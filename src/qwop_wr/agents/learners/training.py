"""Training with any algorithm, in steps that can be gone on from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from gymnasium.vector import VectorEnv
from pydantic import BaseModel, ConfigDict, JsonValue, PositiveInt, field_validator
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.episodes import SHAPING
from qwop_wr.agents.errors import TrainingDivergedError, TrainingStateError
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.learners.learner import Learner, LearningGames
from qwop_wr.agents.learners.options import LearningOptions, PPOLearning
from qwop_wr.agents.learners.own import OwnPPOLearner
from qwop_wr.agents.learners.sb3 import SB3Learner
from qwop_wr.agents.learners.tensorboard import also_to_tensorboard, is_installed
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.ppo_training import training_result
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.state import MALFORMED, TrainingState, history_arrays, resumable, under
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_if_requested, stop_requested, stops_itself

_MAY_CHANGE: Final = {"budget", "stop_at", "progress_bar", "tensorboard"}


class TrainingOptions(BaseModel):
    """How long any algorithm trains, and how it is watched."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    budget: TrainingBudget
    """How long to train; the schedules follow it."""
    stop_at: PositiveInt | None = None
    """Steps after which to end before that, unnoticed by the schedules; with more, a
    training that ended there goes on."""
    evaluation_every: PositiveInt = 100_000
    """Steps between evaluations; the state is kept after each."""
    evaluation_starts: PositiveInt = 32
    """Starts of an evaluation, always the same."""
    log_every: PositiveInt = 10_000
    """Steps between two entries of the algorithm's own metrics."""
    progress_bar: bool = True
    """Show a progress bar on stderr."""
    tensorboard: str | None = None
    """Folder for TensorBoard's event files; none are written if null."""

    @field_validator("tensorboard")
    @classmethod
    def _is_available(cls, folder: str | None) -> str | None:
        if folder is not None and not is_installed():
            raise ValueError("TensorBoard is not installed; pip install '.[tensorboard]'")
        return folder

    def is_used_up(self, steps: int, seconds: float) -> bool:
        """Tell whether a training has come to its end.

        Args:
            steps: Steps made.
            seconds: Time used [s].

        Returns:
            Whether it has.
        """
        limit = self.budget.steps
        if self.stop_at is not None:
            limit = min(self.stop_at, limit or self.stop_at)
        minutes = self.budget.minutes
        return (limit is not None and steps >= limit) or (
            minutes is not None and seconds >= 60.0 * minutes
        )

    def is_over(self, state: TrainingState) -> bool:
        """Tell whether a training has nothing left to do; a larger budget leaves something.

        Args:
            state: A state of it.

        Returns:
            Whether it has not.
        """
        steps, seconds = cast("int", state.facts["steps"]), cast("float", state.facts["seconds"])
        diverged = state.facts["diverged_at"] is not None
        return state.finished and (diverged or self.is_used_up(steps, seconds))


@dataclass(frozen=True, eq=False)
class LearnerTask:
    """What is to be learnt, and how.

    Attributes:
        learning: How to learn.
        spec: Spec of the agents, from ``learning.agent_spec``.
        seed: Seed of everything random.
        begin_with: Agent whose weights to begin with instead of random ones.
        keep_at: Steps at which an agent is kept besides, for others to begin with.
    """

    learning: LearningOptions
    spec: AgentSpec
    seed: int
    begin_with: Agent | None = None
    keep_at: tuple[int, ...] = ()

    def learner(self, games: LearningGames, progress: Callable[[int], float]) -> Learner:
        """Make the learner, untrained.

        Args:
            games: Games to learn in.
            progress: Share of the training that is over, by steps made.

        Returns:
            The learner.

        Raises:
            ValueError: If the agent to begin with is of another kind.
        """
        learning = self.learning
        if isinstance(learning, PPOLearning) and learning.algorithm == "own_ppo":
            learner: Learner = OwnPPOLearner(learning, self.spec, games, progress, self.seed)
        else:
            learner = SB3Learner(learning, self.spec, games, progress, self.seed)
        if self.begin_with is not None:
            if self.begin_with.spec.identity() != self.spec.identity():
                raise ValueError("the agent to begin with has another network or environment")
            learner.begin_with(self.begin_with)
        return learner

    def origin(self, options: TrainingOptions) -> dict[str, JsonValue]:
        """List what makes two trainings differ."""
        return {
            "options": options.model_dump(mode="json", exclude=_MAY_CHANGE),
            "learning": self.learning.model_dump(mode="json"),
            "spec": self.spec.model_dump(mode="json"),
            "seed": self.seed,
            "begin_with": self.begin_with.fingerprint if self.begin_with else None,
        }


class LearnerTraining:
    """A training with any algorithm that keeps the best agent that an evaluation saw.

    Limited by steps, a training that is stopped and gone on from ends in the same weights
    and metrics, to the bit, as one that never stopped. Weights that are no longer finite
    end it: that is a result, too, and ``facts`` tell at which step.

    Args:
        options: How long to train.
        task: What is to be learnt.
        games: Games to learn in.
        evaluation_env: Games to evaluate in, without automatic reset.

    Attributes:
        origin: All that the training follows from; a state of another origin is refused.
    """

    def __init__(
        self,
        options: TrainingOptions,
        task: LearnerTask,
        games: LearningGames,
        evaluation_env: VectorEnv[Any, Any, Any],
    ) -> None:
        self._options, self._task, self._games = options, task, games
        self._evaluation_env = evaluation_env
        self.origin = task.origin(options)
        self._kept: dict[int, Agent] = {}

    def is_over(self, state: TrainingState) -> bool:
        """Tell whether nothing is left to do; a larger budget leaves something.

        Args:
            state: A state of this training.
        """
        return self._options.is_over(state)

    def run(
        self, state: TrainingState | None = None, sink: MetricSink = silent_sink
    ) -> Iterator[TrainingState]:
        """Train until the budget is used up, or until a stop is requested.

        Args:
            state: State to go on from.
            sink: Receives metrics while they come.

        Yields:
            The state after every evaluation, and when a stop is requested; the last one
            says that it is finished.

        Raises:
            TrainingStateError: If the state is that of another training.
            KeyboardInterrupt: If a stop was requested; the state has been given out.
        """
        state = resumable(state, self.origin)
        if state is not None and self.is_over(state):
            yield state
            return
        options = self._options
        with (
            stops_itself(),
            single_torch_thread(),
            also_to_tensorboard(sink, options.tensorboard) as both,
            _Bar(options.progress_bar) as bar,
        ):
            course = self._begin(state, both)
            finished = False
            while not finished:
                diverged_at = self._learn(course, bar)
                if diverged_at is None and not stop_requested():
                    self._evaluate(course)
                is_over = options.is_used_up(course.learner.steps, course.clock.seconds)
                finished = diverged_at is not None or (is_over and not stop_requested())
                reached = self._state(course, {"finished": finished, "diverged_at": diverged_at})
                yield reached
                course.learner.go_on(reached)
                stop_if_requested()

    def _begin(self, state: TrainingState | None, sink: MetricSink) -> "_Course":
        options = self._options
        used = 0.0 if state is None else cast("float", state.facts["seconds"])
        clock, history = BudgetClock(options.budget, used=used), MetricHistory(sink)
        learner = self._task.learner(self._games, clock.progress)
        starts = draw_starts(self._task.seed, "evaluation", options.evaluation_starts)
        checkpoints = Checkpoints(self._evaluation_env, starts, history)
        course = _Course(learner, clock, checkpoints, history)
        if state is None:
            self._evaluate(course)
            return course
        try:
            self._restore(state, course)
        except MALFORMED as error:
            raise TrainingStateError(f"it does not fit this training: {error}") from error
        return course

    def _learn(self, course: "_Course", bar: "_Bar") -> int | None:
        """Learn until the next evaluation; tells the step at which weights diverged."""
        options, learner, history = self._options, course.learner, course.history
        milestone = _following(course.evaluated_at, options.evaluation_every)
        log_at = _following(learner.steps, options.log_every)
        while learner.steps < milestone and not options.is_used_up(
            learner.steps, course.clock.seconds
        ):
            if stop_requested():
                return None
            try:
                metrics = learner.iterate()
            except TrainingDivergedError:
                history.record(_rollout(learner), learner.steps)
                return learner.steps
            for step in self._task.keep_at:
                if learner.steps >= step and step not in self._kept:
                    self._kept[step] = learner.agent().with_card(steps=learner.steps)
            if learner.steps >= log_at:
                history.record({**metrics, **_rollout(learner)}, learner.steps)
                log_at = _following(learner.steps, options.log_every)
            bar.show(learner, course.clock)
        return None

    def _evaluate(self, course: "_Course") -> None:
        learner = course.learner
        card: dict[str, JsonValue] = {
            "learning": self._task.learning.model_dump(mode="json"),
            "seed": self._task.seed,
        }
        course.evaluated_at = learner.steps
        course.checkpoints.consider(learner.agent().with_card(**card), learner.steps)

    def _state(self, course: "_Course", ending: Mapping[str, JsonValue]) -> TrainingState:
        best, score = course.checkpoints.best, course.checkpoints.best_score
        assert best is not None  # noqa: S101 - the beginning was evaluated
        assert score is not None  # noqa: S101
        arrays = {
            **course.learner.arrays(),
            **under("best", best.weights),
            **under("history", history_arrays(course.history.frame())),
        }
        for step, agent in self._kept.items():
            arrays |= under(f"kept{step}", agent.weights)
        facts: dict[str, JsonValue] = {
            **self.origin,
            **course.learner.facts(),
            **ending,
            "evaluated_at": course.evaluated_at,
            "seconds": course.clock.seconds,
            "kept": [*sorted(self._kept)],
            "best": {
                "spec": best.spec.model_dump(mode="json"),
                "card": dict(best.card),
                "score": {**score.metrics()},
            },
        }
        return TrainingState(arrays, facts)

    def _restore(self, state: TrainingState, course: "_Course") -> None:
        result = training_result(state)
        course.history.extend(result.history)
        course.evaluated_at = cast("int", state.facts["evaluated_at"])
        best = cast("dict[str, Any]", state.facts["best"])
        score = AgentScore(**{"median_time": None, **best["score"]})
        course.checkpoints.restore(result.agent, score)
        self._kept = {step: kept_agent(state, step) for step in kept_steps(state)}
        course.learner.restore(state)


@dataclass(eq=False)
class _Course:
    """A training in its course."""

    learner: Learner
    clock: BudgetClock
    checkpoints: Checkpoints
    history: MetricHistory
    evaluated_at: int = 0


def kept_steps(state: TrainingState) -> list[int]:
    """Tell at which steps a training has kept agents.

    Args:
        state: Its state.

    Returns:
        The steps, in order.
    """
    return [int(step) for step in cast("list[int]", state.facts["kept"])]


def kept_agent(state: TrainingState, step: int) -> Agent:
    """Take out an agent that was kept for others to begin with.

    Args:
        state: State of the training.
        step: One of ``kept_steps``.

    Returns:
        The agent.
    """
    spec = AgentSpec.model_validate(state.facts["spec"])
    return Agent(spec, state.part(f"kept{step}"), {"steps": step})


def _rollout(learner: Learner) -> dict[str, float]:
    return {f"rollout/{name}": value for name, value in learner.episodes.metrics().items()}


def _following(steps: int, every: int) -> int:
    return (steps // every + 1) * every


class _Bar:
    """Steps, rate and recent episodes on stderr."""

    def __init__(self, shown: bool) -> None:
        self._bar = tqdm(desc="training", unit=" steps", unit_scale=True, disable=not shown)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, learner: Learner, clock: BudgetClock) -> None:
        """Move the bar."""
        progress = clock.progress(learner.steps)
        self._bar.total = round(learner.steps / progress) if progress else None
        recent = {
            name: f"{value:.3g}"
            for name, value in learner.episodes.metrics().items()
            if not name.startswith(SHAPING)
        }
        self._bar.set_postfix(recent, refresh=False)
        self._bar.update(learner.steps - self._bar.n)
