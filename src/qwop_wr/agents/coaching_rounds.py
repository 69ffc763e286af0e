"""Rounds of coaching: play and rate, learn, evaluate."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.coaching import Coach, CoachingOptions, RatedActions, joined, learn_from_coach
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.metrics import MetricHistory

MakeCoach = Callable[[Agent], Coach]
"""Makes a coach who judges by the values of the given agent."""


@dataclass(eq=False)
class CoachingProgress:
    """How far a coaching has come.

    Attributes:
        judge: Agent that it began with; the coach judges by its values.
        agent: What has become of it.
        ratings: Those of the latest rounds.
        rounds: Rounds played and learnt from.
        decisions: Decisions played in them.
        seconds: Time they took [s].
    """

    judge: Agent
    agent: Agent
    ratings: tuple[RatedActions, ...] = ()
    rounds: int = 0
    decisions: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class CoachingRounds:
    """Lets an agent learn from a coach, round by round.

    Every round draws from a generator of its own, so that rounds repeat exactly after a stop.

    Attributes:
        make_coach: Makes the coach.
        options: How to learn.
        seed: Seed of games and shuffling.
        checkpoints: Evaluates the agent after every round.
        history: Receives the metrics.
        first_step: Decisions made before, where the steps of the metrics go on.
        progress_bar: Whether to show a bar.
    """

    make_coach: MakeCoach
    options: CoachingOptions
    seed: int
    checkpoints: Checkpoints
    history: MetricHistory
    first_step: int
    progress_bar: bool

    def run(self, progress: CoachingProgress) -> Iterator[None]:
        """Go on until rounds or time are used up.

        Args:
            progress: Where to go on; it is kept up to date.

        Yields:
            After every round.

        Raises:
            TrainingDivergedError: If a loss is not finite.
            KeyboardInterrupt: If a stop was requested; the round under way is lost.
        """
        coach, options = self.make_coach(progress.judge), self.options
        with tqdm(
            total=options.rounds,
            initial=progress.rounds,
            desc="coaching",
            unit=" rounds",
            disable=not self.progress_bar,
        ) as bar:
            while progress.rounds < options.rounds and not self._late(progress):
                began = time.monotonic()
                self._round(coach, progress, bar)
                progress.rounds += 1
                progress.seconds += time.monotonic() - began
                bar.update()
                yield

    def _late(self, progress: CoachingProgress) -> bool:
        minutes = self.options.minutes
        return minutes is not None and progress.seconds >= 60.0 * minutes

    def _round(self, coach: Coach, progress: CoachingProgress, bar: "tqdm[None]") -> None:
        rng = np.random.default_rng([self.seed, progress.rounds])
        rated = coach.rate(progress.agent, rng)
        progress.ratings = (*progress.ratings, rated)[-self.options.memory :]
        known = joined(progress.ratings)
        try:
            learnt, metrics = learn_from_coach(progress.agent, known, self.options, rng)
        except FloatingPointError as error:
            step = self.first_step + progress.decisions
            raise TrainingDivergedError("coaching's loss", step, known._asdict()) from error
        progress.agent = learnt
        progress.decisions += len(rated.actions)
        step = self.first_step + progress.decisions
        metrics |= {"changed": rated.changed, "round": progress.rounds + 1}
        self.history.record({f"coaching/{name}": value for name, value in metrics.items()}, step)
        score = self.checkpoints.consider(learnt, step)
        if score.median_time is not None:
            bar.set_postfix(finish_rate=score.finish_rate, median=f"{score.median_time:.2f} s")
