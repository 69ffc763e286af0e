"""Two agents on the same seeds: which is better, how sure that is, and which is champion.

The same seed gives both the same start and the same sticking keys, so that noise affects
both alike. The differences per seed are compared.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import SAME_COST, Outcomes, paired_gain, run_costs
from qwop_wr.compute import SERIAL, ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent
from qwop_wr.evaluation.statistics import Estimate, estimate_statistic
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP

Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class Comparison:
    """A challenger against an opponent on n seeds.

    Attributes:
        challenger: Fingerprint of the agent that is judged.
        opponent: Fingerprint of the agent that it is compared with.
        verdict: ``better`` if a run saves seconds on average and the gain is beyond chance
            by one of the gates' two tests, on finishes or on all costs, see
            :class:`qwop_wr.agents.gate.PairedGain`; ``worse`` if that is true of the
            opponent. The mean alone could not tell: a hundred seconds for a fall hide
            what all other runs gain.
        seeds: Number of seeds that both ran.
        wins: Seeds on which the challenger did better: finished and the other did not, was
            faster, or got farther where neither finished.
        losses: Seeds on which the opponent did better.
        saved_seconds: Mean cost that a run of the challenger saves [s]; the cost of
            a run is what the stages' gates rank by, see
            :func:`qwop_wr.agents.gate.run_costs`.
        finish_rates: Finish rates of challenger and opponent.
        finish_rate_p: Probability of so uneven a split of the seeds that only one
            finished, if both finished equally often (McNemar's exact test).
        both_finished: Seeds on which both finished.
        faster_by: Median time by which the challenger was faster there [s].
        faster_by_p: Probability of such differences if they were symmetric about zero
            (Wilcoxon's signed-rank test); None without a difference.
    """

    challenger: str
    opponent: str
    verdict: Verdict
    seeds: int
    wins: int
    losses: int
    saved_seconds: Estimate
    finish_rates: tuple[float, float]
    finish_rate_p: float
    both_finished: int
    faster_by: Estimate
    faster_by_p: float | None

    def to_json(self) -> dict[str, Any]:
        """Returns the comparison as JSON values."""
        fields = asdict(self)
        for name in ("saved_seconds", "faster_by"):
            fields[name] = getattr(self, name)._asdict()
        return {**fields, "finish_rates": list(self.finish_rates)}


def compare_agents(
    challenger: pd.DataFrame,
    opponent: pd.DataFrame,
    rng: np.random.Generator,
    confidence_level: float = 0.95,
    n_resamples: int = 2000,
    time_limit: float | None = None,
) -> Comparison:
    """Compares two agents by their episodes on the same seeds, in any order.

    The bootstrap resamples seeds, hence pairs; with one seed, no difference can be shown.
    Chance alone gives a verdict with a probability of 1 - ``confidence_level`` at most,
    shared among both tests and both agents (Bonferroni).

    Args:
        time_limit: Clock time at which runs were stopped [s], if that may be above 100 s.

    Raises:
        ValueError: If the tables are not of one agent each on the same starts.
    """
    rows = _paired(challenger, opponent)
    ours, theirs = (_outcomes(side, time_limit) for side in rows)
    saved = theirs.costs - ours.costs
    saved[np.abs(saved) < SAME_COST] = 0.0
    only_we, only_they = (
        int((ours.finished & ~theirs.finished).sum()),
        int((theirs.finished & ~ours.finished).sum()),
    )
    both = ours.finished & theirs.finished
    faster = saved.compress(both)  # [s]: a finish costs its time
    return Comparison(
        challenger=str(rows[0]["agent"].iloc[0]),
        opponent=str(rows[1]["agent"].iloc[0]),
        verdict=_verdict(ours, theirs, confidence_level),
        seeds=len(saved),
        wins=int((saved > 0).sum()),
        losses=int((saved < 0).sum()),
        saved_seconds=estimate_statistic(saved, np.mean, rng, confidence_level, n_resamples),
        finish_rates=(float(ours.finished.mean()), float(theirs.finished.mean())),
        finish_rate_p=_mcnemar(only_we, only_they),
        both_finished=int(both.sum()),
        faster_by=estimate_statistic(faster, np.median, rng, confidence_level, n_resamples),
        faster_by_p=_wilcoxon(faster),
    )


def _paired(challenger: pd.DataFrame, opponent: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    sides = []
    for table in (challenger, opponent):
        if len(table) == 0 or table["agent"].nunique() != 1 or table["seed"].duplicated().any():
            raise ValueError("a comparison needs rows of one agent, at most one per seed")
        sides.append(table.set_index("seed").sort_index())
    ours, theirs = sides
    if unpaired := sorted(set(ours.index) ^ set(theirs.index)):
        raise ValueError(f"only one of the two agents ran seed {unpaired[0]}; pair equal seeds")
    differing = ours.index[(ours["idle_ticks"] != theirs["idle_ticks"]).to_numpy()]
    if len(differing):
        raise ValueError(
            f"seed {differing[0]} did not start alike for both; evaluate them under one protocol"
        )
    return ours, theirs


def _outcomes(side: pd.DataFrame, time_limit: float | None) -> Outcomes:
    finished = side["finished"].to_numpy(dtype=bool)
    times, distances = (
        side[name].to_numpy(dtype=np.float64) for name in ("score_time", "distance")
    )
    return Outcomes(finished, run_costs(finished, times, distances, time_limit))


def _verdict(ours: Outcomes, theirs: Outcomes, confidence_level: float) -> Verdict:
    error_rate = (1.0 - confidence_level) / 2.0
    lead = np.mean(theirs.costs - ours.costs)
    if lead > 0 and paired_gain(ours, theirs).is_beyond_chance(error_rate):
        return "better"
    if lead < 0 and paired_gain(theirs, ours).is_beyond_chance(error_rate):
        return "worse"
    return "no difference shown"


def _mcnemar(only_one: int, only_other: int) -> float:
    if only_one + only_other == 0:
        return 1.0
    return float(stats.binomtest(only_one, only_one + only_other).pvalue)


def _wilcoxon(differences: Floats) -> float | None:
    differing = differences[np.abs(differences) > SAME_COST]
    if len(differing) == 0:
        return None
    return float(stats.wilcoxon(differing, method="auto").pvalue)


@dataclass(frozen=True, eq=False)
class Championship:
    """The outcome of a challenge.

    Attributes:
        challenger: Fingerprint of the agent that was evaluated.
        champion: The champion from now on. The card of a challenger that won has the
            fingerprints of the agents that it beat as ``defeated``.
        comparisons: Comparisons by the opponent's name.
    """

    challenger: str
    champion: Agent
    crowned: bool
    comparisons: Mapping[str, Comparison]

    def to_json(self) -> dict[str, Any]:
        """Returns the outcome as JSON values."""
        return {
            "challenger": self.challenger,
            "champion": self.champion.fingerprint,
            "crowned": self.crowned,
            "comparisons": {name: found.to_json() for name, found in self.comparisons.items()},
        }


def challenge(
    challenger: Agent,
    episodes: pd.DataFrame,
    opponents: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: EvaluationOptions,
    seed: int,
    compute: ComputeOptions = SERIAL,
) -> Championship:
    """Lets opponents run the challenger's seeds, and compares.

    The challenger becomes champion if it is better than the reigning one, or if there is none.

    Args:
        challenger: Agent that was evaluated.
        episodes: Its rows of the randomised protocol.
        opponents: Agents by name; the first is the reigning champion. Those made for
            another environment or engine are not compared and cannot lose their place; nor
            is the challenger itself, if it was champion before.
        environment: Environment of the evaluation.
        options: Protocol of the evaluation.
        seed: Seed of the bootstraps.

    Raises:
        ValueError: If the rows are not the challenger's.
    """
    if set(episodes["agent"]) != {challenger.fingerprint}:
        raise ValueError("the evaluated episodes are those of another agent; evaluate it again")
    comparisons = {
        name: _compare(episodes, opponent, environment, options, seed, compute)
        for name, opponent in opponents.items()
        if opponent.fingerprint != challenger.fingerprint and _is_comparable(opponent, environment)
    }
    beaten = sorted({c.opponent for c in comparisons.values() if c.verdict == "better"})
    reigning = next(iter(opponents.values()), None)
    if reigning is not None and reigning.fingerprint not in beaten:
        return Championship(challenger.fingerprint, reigning, False, comparisons)
    crowned = challenger.with_card(defeated=list(beaten))
    return Championship(challenger.fingerprint, crowned, True, comparisons)


def _compare(
    episodes: pd.DataFrame,
    opponent: Agent,
    environment: EnvironmentOptions,
    options: EvaluationOptions,
    seed: int,
    compute: ComputeOptions,
) -> Comparison:
    without_tapes = options.model_copy(update={"tapes": 0})
    theirs = evaluate_agent(opponent, environment, without_tapes, compute).episodes
    return compare_agents(
        episodes,
        theirs,
        np.random.default_rng(seed),
        options.confidence_level,
        options.bootstrap_resamples,
        options.max_ticks * CLOCK_STEP,
    )


def _is_comparable(opponent: Agent, environment: EnvironmentOptions) -> bool:
    try:
        opponent.check_interface(environment.interface)
    except ValueError:
        return False
    return opponent.spec.engine == environment.engine
