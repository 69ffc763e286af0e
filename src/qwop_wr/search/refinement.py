"""Refinement of guides: values are learnt in states that searches meet, and used by searches."""

import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import run_costs
from qwop_wr.agents.refit import CriticFitter, fit_actor, lambda_returns
from qwop_wr.agents.spec import LayerSizes
from qwop_wr.agents.widening import widened
from qwop_wr.compute import SERIAL, ComputeOptions, single_thread
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.options import Options
from qwop_wr.renames import present_keys
from qwop_wr.search.beam import SearchResult
from qwop_wr.search.guide import AgentGuide, Guide
from qwop_wr.search.lines import LineRuns
from qwop_wr.search.lookahead import (
    LookaheadOptions,
    LookaheadRuns,
    PoolOptions,
    Rollout,
    StatePool,
    fill_pool,
)
from qwop_wr.search.options import RoundBudget, SearchOptions, WorkClock
from qwop_wr.search.parallel import Search, run_searches
from qwop_wr.search.tapes import idle_prefix


class RefinementOptions(Options):
    """How guides are refined.

    A round fills a pool with states that searches meet, refits critic and actor
    on runs that begin there, and searches again to see whether the guide has
    become better.
    """

    budget: RoundBudget = RoundBudget(rounds=4)
    """How long to refine. A round is not begun if one like the last would exceed it."""
    iterations: PositiveInt = 100
    """Rollouts of all runs that the critic is fitted to in a round."""
    decisions: PositiveInt = 64
    """Decisions of every run in a rollout."""
    epochs: PositiveInt = 2
    """Passes over the samples of a rollout."""
    batch_size: PositiveInt = 1024
    """Samples per gradient step."""
    replay: PositiveInt = 1
    """Latest rollouts that the critic is fitted to. If several, a fit draws at most twice as many
    samples from them as the latest one has."""
    net_arch: LayerSizes | None = None
    """Hidden units that guides get: networks of fewer are widened before their first round.
    The agent's own if omitted."""
    learning_rate: float = Field(default=5e-4, gt=0, allow_inf_nan=False)
    """Step size at the start of a round; it falls to a fifth."""

    gamma: float = Field(default=0.995, gt=0, lt=1)
    """Discount of the refitted values per decision; 0.995 looks 7 s ahead at one tick each."""
    actor_rollouts: NonNegativeInt = 25
    """Last rollouts of a round that the actor is fitted to; 0 leaves it unchanged."""
    actor_epochs: PositiveInt = 2
    """Passes over their samples."""
    actor_learning_rate: float = Field(default=4e-4, gt=0, allow_inf_nan=False)
    """Step size of the actor's fit."""

    trace: float = Field(default=0.95, ge=0, le=1)
    """Lambda of the returns."""
    fall_cost: float = Field(default=8.0, ge=0, allow_inf_nan=False)
    """How far the value of a fall is below that of the median state; less than its full cost."""
    huber_width: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    """Error up to which the loss is quadratic, so that falls do not dominate."""

    pool: PoolOptions = PoolOptions()
    """Where the runs begin."""
    runs: LookaheadOptions = LookaheadOptions()
    """Options of the runs."""
    gate_searches: PositiveInt = 4
    """Searches whose mean time decides whether a round has made the guide better."""
    gate: SearchOptions = SearchOptions(width=64)
    """Options of these searches."""
    patience: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """A guide slower than the best by less than this [s] is still refined further."""
    handed_on: PositiveInt = 3
    """Number of latest guides that are passed on; their values are averaged."""

    @model_validator(mode="before")
    @classmethod
    def _present_keys(cls, values: object) -> object:
        return present_keys(values)


@dataclass(frozen=True)
class RefinementStep:
    """A round that has ended.

    Attributes:
        round: Number of the round, from 1; 0 is the agent to begin with.
        guides: Latest guides that passed, the newest first.
        mean_time: Mean time of the gate's searches with the round's guide [s].
        best_mean_time: That of the newest guide that passed [s].
        promoted: Whether the round's guide passed.
        results: The gate's searches.
        seconds: Time since the refinement began [s].
        core_seconds: Processor time since then, all cores together [s].
    """

    round: int
    guides: tuple[Agent, ...]
    mean_time: float
    best_mean_time: float
    promoted: bool
    results: Sequence[SearchResult]
    seconds: float
    core_seconds: float


class _Samples(NamedTuple):
    """Observations, shape (N, d), and returns, shape (N,), that a critic is fitted to."""

    observations: NDArray[np.float32]
    returns: NDArray[np.floating]


class GuideRefinement:
    """Refines critic and actor of an agent, round by round; no round can make it worse."""

    def __init__(
        self, environment: EnvironmentOptions, options: RefinementOptions, seed: int
    ) -> None:
        self._environment = environment
        self._options = options
        self._seed = seed

    def run(
        self,
        agents: Sequence[Agent],
        sink: MetricSink = silent_sink,
        compute: ComputeOptions = SERIAL,
    ) -> Iterator[RefinementStep]:
        """Refines the first of ``agents``, which are guides, newest first, or any ppo agent.

        Yields:
            A step after every round; the first one measures the agent itself. ``sink``
            receives the fit's metrics by number of samples.

        Raises:
            ValueError: If the agent has no critic or was made for another environment.
        """
        guides, clock = tuple(agents), WorkClock()
        results = self._gate(guides[0], compute)
        best = mean_time(results)
        times = (clock.seconds, clock.core_seconds)
        yield RefinementStep(0, guides, best, best, True, results, *times)
        latest = guides[0]
        for number in self._rounds(clock):
            candidate = self._refit(latest, number, sink)
            results = self._gate(candidate, compute)
            time = mean_time(results)
            promoted = time < best
            if promoted:
                # Values of different discounts cannot be averaged.
                alike = [guide for guide in guides if value_gamma(guide) == self._options.gamma]
                guides = (candidate, *alike)[: self._options.handed_on]
                best = time
            latest = candidate if time < best + self._options.patience else guides[0]
            times = (clock.seconds, clock.core_seconds)
            yield RefinementStep(number, guides, time, best, promoted, results, *times)

    def measure(self, agent: Agent, compute: ComputeOptions = SERIAL, first: int = 0) -> float:
        """Measures an agent by the mean clock time of the gate's searches [s].

        Rounds are measured by the searches from number 0 on; ``first`` chooses others.

        Raises:
            ValueError: If the agent was made for another environment.
        """
        return mean_time(self._gate(agent, compute, first))

    def _rounds(self, clock: WorkClock) -> Iterator[int]:
        """Counts rounds while the budget lasts for one more like the one before."""
        budget = self._options.budget
        number, last = 1, 0.0
        while clock.seconds + last <= budget.seconds and (
            budget.rounds is None or number <= budget.rounds
        ):
            began = clock.seconds
            yield number
            number, last = number + 1, clock.seconds - began

    def _refit(self, agent: Agent, number: int, sink: MetricSink) -> Agent:
        options, env = self._options, self._environment
        rng = np.random.default_rng([self._seed, refinement_rounds(agent), number])
        agent = widened(agent, options.net_arch or agent.spec.net_arch, rng)
        guide = AgentGuide([agent], env)
        # A longer view has larger values: those of a steady run sum up to reward / (1 - gamma).
        factor = (1.0 - value_gamma(agent, options.gamma)) / (1.0 - options.gamma)
        with single_thread():
            pool = fill_pool(guide, env, options.pool, rng)
            fitter = CriticFitter(agent, options.learning_rate, factor, options.huber_width)
            runs = self._runs(pool, guide, fitter, rng)
            latest: deque[Rollout] = deque(maxlen=options.actor_rollouts)
            remembered: deque[_Samples] = deque(maxlen=options.replay)
            for iteration in range(options.iterations):
                rollout, median = self._play(runs, fitter)
                latest.append(rollout)
                decay = 1.0 - 0.8 * iteration / options.iterations
                learning_rate = decay * options.learning_rate
                metrics = self._fit(rollout, remembered, fitter, learning_rate, rng)
                samples = options.decisions * options.runs.n_runs
                step = ((number - 1) * options.iterations + iteration + 1) * samples
                sink({**metrics, "median_value": median}, step)
            refitted = self._imitate(fitter.agent(), latest, rng)
        return refitted.with_card(
            stage="guide",
            value_gamma=options.gamma,
            refinement_rounds=refinement_rounds(agent) + 1,
        )

    def _runs(
        self, pool: StatePool, guide: Guide, fitter: CriticFitter, rng: np.random.Generator
    ) -> LookaheadRuns | LineRuns:
        options, env = self._options, self._environment
        if options.runs.width > 1:
            return LineRuns(pool, guide, fitter, env, options.runs, rng)
        return LookaheadRuns(pool, guide, fitter, env, options.runs, options.gamma, rng)

    def _play(self, runs: LookaheadRuns | LineRuns, fitter: CriticFitter) -> tuple[Rollout, float]:
        """Continues the runs; the median value of their states gives the value of a fall."""
        median = float(np.median(fitter.values(runs.seen)))
        return runs.play(self._options.decisions, median - self._options.fall_cost), median

    def _fit(
        self,
        rollout: Rollout,
        remembered: deque[_Samples],
        fitter: CriticFitter,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> dict[str, float]:
        options = self._options
        returns = lambda_returns(
            rollout.rewards, rollout.next_values, rollout.cut, options.gamma, options.trace
        )[~rollout.void]
        seen = rollout.observations[~rollout.void]
        errors = returns - fitter.values(seen)
        remembered.append(_Samples(seen, returns))
        samples = self._drawn(remembered, rng)
        losses = [
            fitter.fit(
                samples.observations, samples.returns, rng, options.batch_size, learning_rate
            )
            for _ in range(options.epochs)
        ]
        return {
            "loss": float(np.mean(losses)),
            "explained_variance": float(1.0 - errors.var() / returns.var()),
            "falls_per_decision": float(rollout.fallen[~rollout.void].mean()),
            "reward_per_decision": float(rollout.rewards[~rollout.void].mean()),
        }

    def _drawn(self, remembered: deque[_Samples], rng: np.random.Generator) -> _Samples:
        """Draws what a fit sees."""
        latest = remembered[-1]
        if self._options.replay == 1:
            return latest
        seen, returns = (np.concatenate(column) for column in zip(*remembered, strict=True))
        n = min(len(returns), 2 * len(latest.returns))
        drawn = rng.choice(len(returns), size=n, replace=False)
        return _Samples(seen[drawn], returns[drawn])

    def _imitate(
        self, agent: Agent, rollouts: Collection[Rollout], rng: np.random.Generator
    ) -> Agent:
        """Fits the actor to the decisions of the lookahead."""
        if not rollouts:
            return agent
        chosen = [(rollout, ~(rollout.plain | rollout.void)) for rollout in rollouts]
        seen = np.concatenate([rollout.observations[rows] for rollout, rows in chosen])
        actions = np.concatenate([rollout.actions[rows] for rollout, rows in chosen])
        options = self._options
        return fit_actor(
            agent, seen, actions, rng, options.actor_epochs, options.actor_learning_rate
        )

    def _gate(self, agent: Agent, compute: ComputeOptions, first: int = 0) -> list[SearchResult]:
        # Waiting makes starts differ; every guide meets the same ones.
        searches = [
            Search(
                [idle_prefix(number * self._environment.ticks_per_action)],
                self._options.gate,
                [self._seed, number],
            )
            for number in range(first, first + self._options.gate_searches)
        ]
        guide = AgentGuide([agent], self._environment)
        done = run_searches([guide], self._environment, searches, compute)
        return [search.value for search in done]


def refinement_rounds(agent: Agent) -> int:
    """Reads from an agent's card how many rounds refined it, 0 if none."""
    rounds = agent.card.get("refinement_rounds")
    return rounds if isinstance(rounds, int) else 0


def value_gamma(agent: Agent, default: float | None = None) -> float:
    """Reads the discount per decision of an agent's values from its card.

    Without a card entry and ``default`` it is NaN.
    """
    training = agent.card.get("options")
    found = agent.card.get("value_gamma")
    if found is None and isinstance(training, dict):
        found = training.get("gamma")
    if isinstance(found, int | float):
        return float(found)
    return float("nan") if default is None else default


def deciding_every(agent: Agent, ticks: int) -> Agent:
    """Returns an agent for decisions of another length, which its observations do not tell.

    The discount of its values per decision changes with it, so that they look as far ahead.
    """
    before = agent.spec.ticks_per_action
    if before == ticks:
        return agent
    spec = agent.spec.model_copy(update={"ticks_per_action": ticks})
    gamma = value_gamma(agent)
    discount = {} if math.isnan(gamma) else {"value_gamma": gamma ** (ticks / before)}
    return Agent(spec, agent.weights, {**agent.card, **discount})


def mean_time(results: Sequence[SearchResult]) -> float:
    """Averages the clock times of searches [s].

    Those without a finish count as in :func:`~qwop_wr.agents.gate.run_costs`.
    """
    tapes = [result.tape for result in results]
    costs = run_costs(
        [tape.finished for tape in tapes],
        [tape.score_time for tape in tapes],
        [tape.distance for tape in tapes],
    )
    return float(costs.mean())
