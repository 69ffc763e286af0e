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
"""Results that wait for an earlier one are at most so many times the room for items."""


def settle(options: ComputeOptions, name: str, core_seconds: float) -> ComputeOptions:
    """Keeps short work in this process, and logs it.

    Args:
        options: Where work is to run.
        name: Name of the work.
        core_seconds: About how long it takes one core [s].

    Returns:
        The options, or those of this process.
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

    What is under way when the caller leaves, by Ctrl-C for instance, is ended. After an error
    no more items are started, but the results of all items before it are still yielded, so
    that the first failure is the same everywhere, whichever item ends first.

    Args:
        job: The job.
        items: Its items.
        options: Where they run.
        progress: Show a progress bar on stderr.

    Yields:
        One result per item, as soon as all before it are known.

    Raises:
        ItemError: If the function raised something; names the first such item.
        BadInputError: If the function raised that, or the workers cannot be had.
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

    Args:
        options: Where work runs.

    Yields:
        Nothing.

    Raises:
        BadInputError: If the cluster cannot be had.
    """
    if options.backend != "ray":
        yield
        return
    from qwop_wr.compute.ray import connection  # noqa: PLC0415 (only for clusters)

    with connection(options.address):
        yield


def open_backend(job: Job[Any, Any, Any], options: ComputeOptions) -> Backend:
    """Makes what runs a job's items.

    Raises:
        BadInputError: If Ray is to run them and is not installed.
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
    """Returns the result of an outcome.

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
