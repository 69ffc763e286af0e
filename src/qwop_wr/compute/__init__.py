"""Jobs of many items: in this process, in several, or on a Ray cluster, with equal results."""

from qwop_wr.compute.job import (
    SERIAL,
    ComputeOptions,
    Finished,
    ItemError,
    Job,
    WorkContext,
    usable_cores,
)
from qwop_wr.compute.mapping import connected, run_job, settle
from qwop_wr.compute.threads import share_arenas, single_thread, threads_of_own

__all__ = [
    "SERIAL",
    "ComputeOptions",
    "Finished",
    "ItemError",
    "Job",
    "WorkContext",
    "connected",
    "run_job",
    "settle",
    "share_arenas",
    "single_thread",
    "threads_of_own",
    "usable_cores",
]
