"""How a table of episodes was made, as the table itself says it."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from qwop_wr import __version__
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions

MADE_WITH: Final = "made_with"
"""Column that says it: ``name=value`` pairs, the same in every row."""

_ENVIRONMENT: Final = ("engine", "platform", "ticks_per_action", "actions", "observation")
_PROTOCOL: Final = ("seeds", "first_seed", "idle_ticks", "sticky", "max_ticks")


def describe_making(environment: EnvironmentOptions, options: EvaluationOptions) -> str:
    """Name everything but the agent that the runs of an evaluation follow from.

    Rewards and intervals are no part of it: they change no run.

    Args:
        environment: Environment that the agent acts in.
        options: The protocols.

    Returns:
        Text such as ``engine=exact engine_version=1 ... sticky=0.01 qwop-wr=1.0``.
    """
    facts = {name: getattr(environment, name) for name in _ENVIRONMENT}
    facts["engine_version"] = environment.make_games().version
    facts |= {name: getattr(options, name) for name in _PROTOCOL}
    facts["qwop-wr"] = __version__
    return " ".join(f"{name}={value}" for name, value in facts.items())


def check_table(table: pd.DataFrame, agent: str, made_with: str, seeds: Sequence[int]) -> None:
    """Make sure that a table is what an evaluation would make now.

    Args:
        table: Rows of one protocol.
        agent: Fingerprint of the agent that should have run.
        made_with: As :func:`describe_making` says it now.
        seeds: Seeds that should have been run.

    Raises:
        ValueError: Naming the first thing that differs.
    """
    ran = sorted({str(name) for name in table["agent"]})
    if ran != [agent]:
        raise ValueError(
            f"it is of another agent, {' and '.join(name[:12] for name in ran) or 'none'}, "
            f"not of {agent[:12]}"
        )
    made = sorted({str(text) for text in table.get(MADE_WITH, ["unknown"])})
    if made != [made_with]:
        raise ValueError(_difference(made[0], made_with))
    if table["seed"].tolist() != list(seeds):
        raise ValueError(f"it has {len(table)} rows, but {len(seeds)} seeds were run")


def _difference(made: str, wanted: str) -> str:
    before, now = (dict(pair.partition("=")[::2] for pair in s.split()) for s in (made, wanted))
    for name, value in now.items():
        if before.get(name) != value:
            return f"it was made with {name} = {before.get(name, 'unknown')}, which is now {value}"
    return f"it was made with {made}"


__all__ = ["MADE_WITH", "check_table", "describe_making"]
