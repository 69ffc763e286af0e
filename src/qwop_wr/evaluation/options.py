"""How an agent is evaluated."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from qwop_wr.options import Options


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a seed is a whole number, not a boolean")
    return value


Seed = Annotated[int, BeforeValidator(_no_boolean), Field(ge=0, lt=2**32)]
"""Seed as configured; NumPy's and SB3's older generators take 32 bits and no sign."""


class EvaluationOptions(Options):
    """The randomised protocol and the intervals reported with it.

    A deterministic agent in a deterministic game has one run. Two things differ from
    seed to seed: the number of ticks without keys at the start, on the clock, and
    the decisions at which the last keys stick.

    Attributes:
        seeds: Number of runs, one per seed.
        first_seed: First of consecutive seeds.
        idle_ticks: Most ticks without keys at the start; a seed draws 0 to this many.
        sticky: Probability that a decision repeats the last keys. With 0, no more than
            ``idle_ticks + 1`` runs can differ.
        max_ticks: Ticks after which a run is stopped.
        tapes: Number of fastest distinct finishes kept as tapes.
        confidence_level: Coverage of every interval.
        bootstrap_resamples: Resamples of each bootstrap.
    """

    seeds: Annotated[int, Field(ge=1, le=10_000_000)] = 500
    first_seed: Seed = 10_000
    idle_ticks: Annotated[int, Field(ge=0, le=300)] = 30
    sticky: Annotated[float, Field(ge=0, lt=1)] = 0.01
    max_ticks: Annotated[int, Field(ge=1, le=100_000)] = 3000
    tapes: Annotated[int, Field(ge=0, le=1000)] = 20
    confidence_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    bootstrap_resamples: Annotated[int, Field(ge=100, le=100_000)] = 2000
