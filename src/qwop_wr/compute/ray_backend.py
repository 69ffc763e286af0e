"""Work on a Ray cluster."""

from types import TracebackType
from typing import Any

from qwop_wr.compute.backend import Outcome
from qwop_wr.compute.job import Finished, Job, WorkerDiedError
from qwop_wr.compute.options import ComputeOptions
from qwop_wr.compute.ray_cluster import connection, telling_cluster_faults
from qwop_wr.compute.worker import limit_threads, work
from qwop_wr.errors import BadInputError

import ray  # isort: skip (after ray_cluster, which tells if it is missing)


class RayBackend:
    """Items as tasks of a Ray cluster, which places them and begins them again elsewhere.

    Args:
        job: What to do; its shared data go to every node once.
        options: Which cluster, tasks at a time, and how often to begin again.
    """

    def __init__(self, job: Job[Any, Any, Any], options: ComputeOptions) -> None:
        self._job = job
        self._options = options
        self._connection = connection(options.address)
        self._numbers: dict[ray.ObjectRef[Finished[Any]], int] = {}

    def __enter__(self) -> "RayBackend":
        self._connection.__enter__()
        try:
            with telling_cluster_faults():
                # In a list, so that a task fetches them and a process keeps them.
                self._shared = [ray.put((self._job.function, self._job.shared))]
        except BaseException as error:
            self._connection.__exit__(type(error), error, error.__traceback__)
            raise
        self._task = ray.remote(_do).options(
            name=self._job.name, num_cpus=1, max_retries=self._options.retries
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for reference in self._numbers:
            ray.cancel(reference, force=True)
        self._connection.__exit__(kind, error, traceback)

    @property
    def room(self) -> int:
        """Items worth having under way; see ``Backend.room``. Nodes may come and go."""
        limit = self._options.workers
        return limit or 2 * max(int(ray.cluster_resources().get("CPU", 1)), 1)

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401
        """Give an item to the cluster; see ``Backend.submit``."""
        self._numbers[self._task.remote(self._shared, item)] = number

    def wait(self) -> list[Outcome]:
        """Wait for the first task to end; see ``Backend.wait``."""
        pending = list(self._numbers)
        ended, _ = ray.wait(pending, num_returns=1)
        # What else has ended by now.
        ended, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        return [self._outcome(self._numbers.pop(reference), reference) for reference in ended]

    def copies(self) -> dict[str, int]:
        """Tell which nodes hold the shared data.

        Returns:
            Size of each copy by the node's number [bytes].
        """
        # None of them is lost or moved by asking.
        found = ray.experimental.get_object_locations(self._shared)
        return {
            node: facts["object_size"] for facts in found.values() for node in facts["node_ids"]
        }

    def _outcome(self, number: int, reference: "ray.ObjectRef[Finished[Any]]") -> Outcome:
        try:
            with telling_cluster_faults():
                return Outcome(number, ray.get(reference))
        except ray.exceptions.WorkerCrashedError:
            died = WorkerDiedError(
                f"a worker process died {self._options.retries + 1} times while it was under way; "
                "is there no free memory?"
            )
            return Outcome(number, error=died)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            return Outcome(number, error=cause if isinstance(cause, Exception) else error)
        except BadInputError as error:
            return Outcome(number, error=error)


_jobs: dict[str, Any] = {}
"""Function and shared data of the job that this worker process works on."""


def _do(shared: "list[ray.ObjectRef[Any]]", item: Any) -> Finished[Any]:  # noqa: ANN401
    (reference,) = shared
    key = reference.hex()
    if key not in _jobs:
        limit_threads()
        _jobs.clear()
        _jobs[key] = ray.get(reference)
        limit_threads()
    function, data = _jobs[key]
    return work(function, data, item)
