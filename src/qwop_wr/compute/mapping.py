"""An ordered map over items, with equal results wherever they run."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from qwop_wr.compute.in_process import CallerBackend, ThreadBackend
from qwop_wr.compute.job import (
    Backend,
    ComputeOptions,
    Finished,
    ItemError,
    ItemT,
    Job,
    Outcome,
    ResultT,
    SharedT,
)
from qwop_wr.compute.processes import ProcessBackend
from qwop_wr.errors import BadInputError

logger = logging.getLogger(__name__)

_AHEAD = 4
"""Factor on the room for items that limits the results waiting for an earlier one."""


def settle(options: ComputeOptions, name: str, core_seconds: float) -> ComputeOptions:
    """Returns the options, or those of this process for short work, and logs that.

    ``core_seconds`` is about how long one core takes for the work called ``name`` [s].
    """
    if options.backend == "serial" or core_seconds >= options.short_seconds:
        return options
    logger.info(
        "%s: about %.0f s of one core's work stays in this process (compute.short_seconds = %g)",
        name,
        core_seconds,
        options.short_seconds,
    )
    return options.model_copy(update={"backend": "serial"})


def run_job(
    job: Job[SharedT, ItemT, ResultT],
    items: Sequence[ItemT],
    options: ComputeOptions,
    progress: bool = True,
) -> Iterator[Finished[ResultT]]:
    """Runs a job's items and yields the results in the items' order.

    When the caller leaves, by Ctrl-C for instance, running items are stopped. After an error
    no more items are started, but the results of all items before it are still yielded, so
    that the first failure is the same everywhere, whichever item ends first.

    Raises:
        ItemError: If the function raised something; names the first such item.
        BadInputError: If the function raised that, or the workers are not available.
    """
    outcomes: dict[int, Outcome] = {}
    submitted, following, end = 0, 0, len(items)
    backend = open_backend(job, options)
    with (
        backend,
        tqdm(total=len(items), desc=job.name, unit=f" {job.unit}", disable=not progress) as bar,
    ):
        while following < len(items):
            room = backend.room
            under_way = submitted - following - len(outcomes)
            limit = min(end, submitted + room - under_way, following + _AHEAD * room)
            for number in range(submitted, limit):
                backend.submit(number, items[number])
            submitted = max(submitted, limit)
            for outcome in backend.wait():
                outcomes[outcome.number] = outcome
                if outcome.error is not None:
                    end = min(end, outcome.number)
                    place = job.describe(items[outcome.number])
                    logger.warning("%s, %s has failed; nothing more is begun", job.name, place)
                bar.update()
            while following in outcomes:
                yield result_of(job, items[following], outcomes.pop(following))
                following += 1


@contextmanager
def connected(options: ComputeOptions) -> Iterator[None]:
    """Stays connected to the cluster, if there is one, for a block with several jobs.

    Raises:
        BadInputError: If the cluster is not available.
    """
    if options.backend != "ray":
        yield
        return
    from qwop_wr.compute.ray import connection  # noqa: PLC0415 (only for clusters)

    with connection(options.address):
        yield


def open_backend(job: Job[Any, Any, Any], options: ComputeOptions) -> Backend:
    """Returns the backend that runs a job's items.

    Raises:
        BadInputError: If Ray is asked for and not installed.
    """
    if options.backend == "ray":
        from qwop_wr.compute.ray import RayBackend  # noqa: PLC0415 (only for clusters)

        return RayBackend(job, options)
    if options.backend == "process":
        return ProcessBackend(job, options)
    return ThreadBackend(job, options) if job.threads else CallerBackend(job)


def result_of(
    job: Job[SharedT, ItemT, ResultT], item: ItemT, outcome: Outcome
) -> Finished[ResultT]:
    """Returns the result of an outcome, or raises its error.

    Raises:
        ItemError: If the item failed; names it.
        BadInputError: If it failed with that.
    """
    if outcome.finished is not None:
        return outcome.finished
    error = outcome.error
    place = f"{job.name}, {job.describe(item)}"
    if isinstance(error, BadInputError):
        raise BadInputError(f"{place}: {error.message}") from error
    raise ItemError(f"{place}: {type(error).__name__}: {error}") from error
