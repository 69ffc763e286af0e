"""Where heavy work is done."""

import os
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, field_validator


class ComputeOptions(BaseModel):
    """Where heavy work is done; results do not depend on it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    backend: Literal["serial", "process", "ray"] = "serial"
    """``serial``: this process, where engine and searches use its cores by threads;
    ``process``: processes of this machine; ``ray``: a Ray cluster."""
    workers: PositiveInt | None = None
    """Items worked on at a time; if omitted, as many as there are usable cores, of this
    machine or of the cluster."""
    address: str = "auto"
    """Ray cluster: ``host:port``, or ``auto`` for the one that ``RAY_ADDRESS`` names or that
    runs on this machine."""
    seeds_per_chunk: PositiveInt = 25
    """Seeds that an evaluation gives to a worker at a time."""
    retries: NonNegativeInt = 3
    """How often an item is begun again after the death of its worker."""
    short_seconds: float = Field(default=20.0, ge=0, allow_inf_nan=False)
    """Work of less than so many core-seconds stays in this process: starting workers takes
    longer [s]."""

    @field_validator("address")
    @classmethod
    def _not_a_client(cls, address: str) -> str:
        if address.startswith("ray://"):
            raise ValueError("Ray's client is not used; run on a node of the cluster, with 'auto'")
        host, _, port = address.rpartition(":")
        if address != "auto" and not (host and port.isdigit()):
            raise ValueError("it must be 'auto' or host:port, for instance 10.0.0.1:6379")
        return address


SERIAL: Final = ComputeOptions()
"""Everything in this process."""


def usable_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
