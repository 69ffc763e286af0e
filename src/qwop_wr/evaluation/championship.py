"""Who is champion: the agent that no later one was shown to be better than."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import SERIAL, ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.comparison import Comparison, compare_agents
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent


@dataclass(frozen=True, eq=False)
class Championship:
    """What came of a challenge.

    Attributes:
        challenger: Fingerprint of the agent that was evaluated.
        champion: The champion from now on. A challenger that won has the fingerprints of
            those that it was better than on its card, as ``defeated``.
        crowned: Whether the challenger has become champion.
        comparisons: Comparisons by the opponent's name.
    """

    challenger: str
    champion: Agent
    crowned: bool
    comparisons: Mapping[str, Comparison]

    def to_json(self) -> dict[str, Any]:
        """Return what came of it as JSON values."""
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
    """Let opponents run the challenger's seeds, and compare.

    Args:
        challenger: Agent that was evaluated.
        episodes: Its rows of the randomised protocol.
        opponents: Agents by name; the first is the reigning champion. One that was made for
            another environment or engine is not compared, and cannot lose its place; nor
            is the challenger itself, if it was champion before.
        environment: Environment that the challenger was evaluated in.
        options: The protocol that it was evaluated under.
        seed: Seed of the bootstraps.
        compute: Where the games are played.

    Returns:
        The champion and the comparisons. The challenger becomes champion if it is better
        than the reigning one, or if there is none.

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
    )


def _is_comparable(opponent: Agent, environment: EnvironmentOptions) -> bool:
    try:
        opponent.check_interface(environment.interface)
    except ValueError:
        return False
    return opponent.spec.engine == environment.engine
