"""An ordered map over items, the same wherever they are done."""

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
    """Let short work stay in this process, and say so.

    Args:
        options: Where work is to be done.
        name: What is to be done.
        core_seconds: About how long it will take one core [s].

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
    """Do a job's items and give the results in the items' order.

    What is under way when the caller leaves, by Ctrl-C for instance, is ended. After an error
    nothing more is begun; the results of all items before it are still given, so that the
    first item that fails is the same everywhere, whichever is done first.

    Args:
        job: What to do.
        items: What to do it with.
        options: Where.
        progress: Show a progress bar on stderr.

    Yields:
        One result per item, as soon as it and all before are there.

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
    """Stay connected to the cluster, if there is one, for a block with several jobs.

    Args:
        options: Where work is done.

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
    """Choose the place where a job's items are done.

    Args:
        job: What to do.
        options: Where.

    Returns:
        The place, to be entered.

    Raises:
        BadInputError: If Ray is not installed.
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
    """Take the result out of an outcome.

    Args:
        job: What was done.
        item: With what.
        outcome: How it ended.

    Returns:
        The result.

    Raises:
        ItemError: If the function raised something; names the item.
        BadInputError: If it raised that.
    """
    if outcome.finished is not None:
        return outcome.finished
    error = outcome.error
    place = f"{job.name}, {job.describe(item)}"
    if isinstance(error, BadInputError):
        raise BadInputError(f"{place}: {error.message}") from error
    raise ItemError(f"{place}: {type(error).__name__}: {error}") from error
