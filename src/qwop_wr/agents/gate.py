"""Comparing agents on the same starts, and deciding which one is passed on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import stats

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_in_groups
from qwop_wr.options import Options

Costs = NDArray[np.float64]

UNFINISHED_TIME = 100.0
"""Least cost of a run that did not finish [s]: 3,000 ticks, the default time limit."""
TRACK_LENGTH = 100.0
"""Length of the track [m]."""
ERROR_RATE = 0.05
"""Probability with which a gate may mistake chance for a gain."""
FALL_STRETCHES = (0, 15, 48, 65, 90, 101)
"""Ends of the stretches by which falls are counted [m]; the hurdle stands at 50 m."""
SAME_COST = 1e-9
"""Costs that differ by less are equal [s]; a tick is 1/30 s."""


@dataclass(frozen=True)
class AgentScore:
    """Summary of an agent's episodes.

    Attributes:
        finish_rate: Share of the episodes that finished.
        median_time: Median clock time of the finished ones [s]; None if none did.
        mean_distance: Mean distance of all [m].
        mean_cost: Mean cost of an episode [s], see :func:`run_costs`; ranks agents where
            the other numbers do not decide.
        best_time: Clock time of the fastest [s]; None if none finished.
        falls: Episodes that did not finish, by the stretch that they ended in, if any.
    """

    finish_rate: float
    median_time: float | None
    mean_distance: float
    mean_cost: float
    best_time: float | None = None
    falls: Mapping[str, int] = field(default_factory=dict)

    def improves_on(self, other: "AgentScore") -> bool:
        """Returns whether nothing is worse and something is better (Pareto).

        Compares finish rate, median time and mean distance on the same starts.
        """
        own, others = self._goods(), other._goods()
        return own != others and all(a >= b for a, b in zip(own, others, strict=True))

    def loses_nothing_to(self, other: "AgentScore") -> bool:
        """Returns whether neither finish rate nor median time is worse on the same starts.

        Where neither agent finished, the mean distance decides.
        """
        if self.finish_rate == other.finish_rate == 0:
            return self.mean_distance >= other.mean_distance
        own, others = self._goods(), other._goods()
        return own[0] >= others[0] and own[1] >= others[1]

    def averaged(self, other: "AgentScore") -> "AgentScore":
        """Averages with the score on as many other starts; falls and the fastest are left out."""
        times = [time for time in (self.median_time, other.median_time) if time is not None]
        return AgentScore(
            finish_rate=(self.finish_rate + other.finish_rate) / 2,
            median_time=sum(times) / len(times) if times else None,
            mean_distance=(self.mean_distance + other.mean_distance) / 2,
            mean_cost=(self.mean_cost + other.mean_cost) / 2,
        )

    def rank(self, to_beat: "AgentScore | None") -> tuple[bool, float]:
        """Ranks agents: one that improves on ``to_beat`` first, then the lower mean cost."""
        return to_beat is not None and self.improves_on(to_beat), -self.mean_cost

    def metrics(self) -> dict[str, float]:
        """Returns the numbers by field name, without falls and those that are None."""
        fields = vars(self).items()
        return {name: value for name, value in fields if name != "falls" and value is not None}

    def _goods(self) -> tuple[float, float, float]:
        time = np.inf if self.median_time is None else self.median_time
        return self.finish_rate, -time, self.mean_distance


@dataclass(frozen=True)
class GateReport:
    """Why an agent was or was not passed on.

    Attributes:
        incoming: Score of the agent that the stage was given, if any.
        outgoing: Score of the agent that the stage made, on the same starts.
        promoted: Whether the stage's agent replaces the incoming one.
        n_candidates: Number of agents that it was chosen from.
        finish_p: Probability of so many more finishes by chance, see
            :class:`PairedGain`; None without an incoming agent.
        cost_p: Probability of so much lower costs by chance; likewise.
    """

    incoming: AgentScore | None
    outgoing: AgentScore
    promoted: bool
    n_starts: int
    n_candidates: int = 1
    finish_p: float | None = None
    cost_p: float | None = None


class Outcomes(NamedTuple):
    """How runs from n starts ended, in order of the starts.

    Attributes:
        finished: Shape (n,).
        costs: See :func:`run_costs` [s], shape (n,).
    """

    finished: NDArray[np.bool_]
    costs: Costs


class PairedGain(NamedTuple):
    """Probabilities that chance alone makes a candidate look so much better on shared starts.

    Attributes:
        finish_p: One-sided McNemar's exact test on the starts that only one finished.
        cost_p: One-sided Wilcoxon's signed-rank test on the differences of the costs.
    """

    finish_p: float
    cost_p: float

    def is_beyond_chance(self, error_rate: float) -> bool:
        """Returns whether one of the tests says so; they share the error rate (Bonferroni)."""
        return min(self) < error_rate / len(self)


def run_costs(
    finished: ArrayLike,
    score_time: ArrayLike,
    distance: ArrayLike,
    time_limit: float | None = None,
) -> Costs:
    """Computes costs that put finished and unfinished runs on one scale of seconds.

    Args:
        finished: Shape (n,).
        score_time: Clock times at the end [s], shape (n,).
        distance: Distances [m], shape (n,).
        time_limit: Clock time at which runs were stopped [s], if that may be above 100 s.

    Returns:
        Clock time of a finish; else 100 s, or the time limit if that is later, and one
        second for every metre missing [s], shape (n,). So every finish costs less.
    """
    missing = np.maximum(TRACK_LENGTH - np.asarray(distance), 0.0)
    return np.where(finished, score_time, max(UNFINISHED_TIME, time_limit or 0.0) + missing)


def outcomes(episodes: Episodes) -> Outcomes:
    """Returns finishes and costs of an agent's episodes, one per start."""
    costs = run_costs(
        episodes.finished, episodes.score_time, episodes.distance, episodes.time_limit
    )
    return Outcomes(episodes.finished, costs)


def score_episodes(episodes: Episodes) -> AgentScore:
    """Scores an agent's episodes, one per start."""
    finished = episodes.finished
    cost = outcomes(episodes).costs
    return AgentScore(
        finish_rate=float(finished.mean()),
        median_time=float(np.median(episodes.score_time[finished])) if finished.any() else None,
        mean_distance=float(episodes.distance.mean()),
        mean_cost=float(cost.mean()),
        best_time=float(episodes.score_time[finished].min()) if finished.any() else None,
        falls=count_falls(episodes.distance[~finished]),
    )


def count_falls(distances: ArrayLike) -> dict[str, int]:
    """Counts falls by stretch, the stretches with any in order.

    Args:
        distances: Where the runs ended [m], shape (n,).
    """
    within = np.clip(distances, FALL_STRETCHES[0], FALL_STRETCHES[-1])
    counts, _ = np.histogram(within, FALL_STRETCHES)
    stretches = [f"{first} to {last} m" for first, last in pairwise(FALL_STRETCHES)]
    return {name: int(n) for name, n in zip(stretches, counts, strict=True) if n}


def score_agent(
    agent: Agent, groups: Sequence[VectorEnv[Any, Any, Any]], seeds: Sequence[int]
) -> AgentScore:
    """Plays and scores one deterministic episode per seed, see :func:`play_in_groups`."""
    return score_episodes(play_in_groups(agent, groups, seeds))


def paired_gain(candidate: Outcomes, incoming: Outcomes) -> PairedGain:
    """Tests two agents start by start; both probabilities are 1 where nothing differs."""
    only_new = int((candidate.finished & ~incoming.finished).sum())
    only_old = int((incoming.finished & ~candidate.finished).sum())
    differing = only_new + only_old
    finish_p = 1.0
    if differing:
        finish_p = float(stats.binomtest(only_new, differing, alternative="greater").pvalue)
    saved = incoming.costs - candidate.costs
    if (np.abs(saved) < SAME_COST).all():
        return PairedGain(finish_p, 1.0)
    saved = np.where(np.abs(saved) < SAME_COST, 0.0, saved)
    test = stats.wilcoxon(saved, alternative="greater", method="approx")
    return PairedGain(finish_p, float(test.pvalue))


def pass_gate(
    incoming: Agent | None,
    candidates: Sequence[Agent],
    groups: Sequence[VectorEnv[Any, Any, Any]],
    seeds: Sequence[int],
    selection_seeds: Sequence[int] = (),
    earlier: Mapping[str, AgentScore] | None = None,
) -> tuple[Agent, GateReport]:
    """Lets a candidate pass if it measured nothing worse and its gain is beyond chance.

    Of several candidates the best on other starts is chosen first, so that only one is tested.
    Neither its finish rate nor its median time may be worse, as measured; and one
    of the two tests of :class:`PairedGain` must give chance less than ``ERROR_RATE``, shared
    between them (Bonferroni). Where nobody finishes, the mean distance stands for both.

    Args:
        incoming: Agent to beat; without one the candidate of least mean cost passes.
        candidates: Agents that may replace it, at least one.
        groups: Environments without automatic reset, which play side by side.
        seeds: Starts that no agent was chosen on.
        selection_seeds: Other starts, on which one of several candidates is chosen.
        earlier: Scores on as many other starts, by fingerprint, that count in the choice, too:
            those on which the incoming agent and all candidates were ranked.

    Returns:
        The agent to pass on, and the report.

    Raises:
        ValueError: If there are several candidates and no starts to choose on.
    """
    if incoming is None:
        agent, score = _best(candidates, None, groups, seeds)
        return agent, GateReport(None, score, True, len(seeds), len(candidates))
    rivals = [agent for agent in candidates if agent.fingerprint != incoming.fingerprint]
    if len(rivals) > 1 and not selection_seeds:
        raise ValueError("several candidates need selection_seeds to be chosen on")
    before = play_in_groups(incoming, groups, seeds)
    reference, former = score_episodes(before), outcomes(before)
    if not rivals:
        return incoming, GateReport(reference, reference, promoted=False, n_starts=len(seeds))
    agent = rivals[0]
    if len(rivals) > 1:
        to_beat = _score_again(incoming, groups, selection_seeds, earlier)
        agent, _ = _best(rivals, to_beat, groups, selection_seeds, earlier)
    episodes = play_in_groups(agent, groups, seeds)
    score, gain = score_episodes(episodes), paired_gain(outcomes(episodes), former)
    promoted = gain.is_beyond_chance(ERROR_RATE) and score.loses_nothing_to(reference)
    report = GateReport(reference, score, promoted, len(seeds), len(rivals), *gain)
    return (agent if promoted else incoming), report


def _best(
    agents: Sequence[Agent],
    to_beat: AgentScore | None,
    groups: Sequence[VectorEnv[Any, Any, Any]],
    seeds: Sequence[int],
    earlier: Mapping[str, AgentScore] | None = None,
) -> tuple[Agent, AgentScore]:
    """Chooses the agent of least mean cost, of those that improve on a score if any does."""
    scored = [(agent, _score_again(agent, groups, seeds, earlier)) for agent in agents]
    return max(scored, key=lambda one: one[1].rank(to_beat))


def _score_again(
    agent: Agent,
    groups: Sequence[VectorEnv[Any, Any, Any]],
    seeds: Sequence[int],
    earlier: Mapping[str, AgentScore] | None,
) -> AgentScore:
    """Scores an agent; the mean of that and an earlier score if there is one."""
    score = score_agent(agent, groups, seeds)
    known = (earlier or {}).get(agent.fingerprint)
    return score if known is None else score.averaged(known)


def draw_starts(seed: int, purpose: str, n: int) -> list[int]:
    """Draws game seeds, 0 to 2**31 - 1, that ``seed`` and ``purpose`` fix."""
    rng = np.random.default_rng([seed, *purpose.encode()])
    return [int(start) for start in rng.integers(2**31, size=n)]


class HealthOptions(Options):
    """Lowest finish rate of a healthy stage."""

    success_kept: float = Field(gt=0, le=1)
    """Share of the finish rate before play that the last evaluation, not the best, must reach."""
    advice: str = Field(min_length=1)
    """What to do if a stage is not healthy."""


class HealthReport(NamedTuple):
    """Whether a learner kept its finish rate until the end.

    Attributes:
        reference: Finish rate before it played.
        final: Finish rate of its last evaluation.
        required: Lowest healthy final rate.
        advice: What to do if it was not healthy.
    """

    reference: float
    final: float
    required: float
    healthy: bool
    advice: str | None


def check_health(options: HealthOptions, reference: float, final: float) -> HealthReport:
    """Compares a learner's last finish rate with that before it played."""
    required = options.success_kept * reference
    healthy = final >= required
    return HealthReport(reference, final, required, healthy, None if healthy else options.advice)
