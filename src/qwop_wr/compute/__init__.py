"""Many pieces of work: in this process, in several, or on a Ray cluster, with equal results."""

from qwop_wr.compute.job import Finished, ItemError, Job, WorkContext
from qwop_wr.compute.mapping import connected, run_job, settle
from qwop_wr.compute.options import SERIAL, ComputeOptions, usable_cores

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
    "usable_cores",
]
