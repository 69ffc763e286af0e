"""Jobs on a Ray cluster: connecting, checking its nodes, submitting tasks."""

import functools
import hashlib
import logging
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import qwop_wr
from qwop_wr.compute.job import ComputeOptions, Finished, Job, Outcome, WorkerDiedError, work
from qwop_wr.compute.threads import limit_threads
from qwop_wr.errors import BadInputError

# Read when Ray is imported. Two tries of a second each, not twenty; nothing is reported.
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ModuleNotFoundError as missing:
    raise BadInputError(
        "compute.backend = 'ray': Ray is not installed; pip install '.[cluster]'"
    ) from missing

logger = logging.getLogger(__name__)

PROCESSOR: Final = "processor"
"""Name of the processor's kind among the versions."""

_LIBRARIES: Final = ("numpy", "torch", "numba", "llvmlite")

ANSWER_SECONDS: Final = 3.0
"""Time limit for a cluster to accept a connection."""

PROBE_SECONDS: Final = 60.0
"""Time limit for a node to start a worker and report its versions."""


@contextmanager
def connection(address: str) -> Iterator[None]:
    """Connects to a cluster and checks its nodes, for a block; ``address`` may be ``auto``.

    An existing connection is used and left open.

    Raises:
        BadInputError: If the cluster does not answer, refuses the connection or has a
            node with other versions.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    try:
        if ours:
            _check_nodes()
        yield
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def telling_cluster_faults() -> Iterator[None]:
    """Converts a cluster's errors to errors of one line.

    Raises:
        BadInputError: If there is no room or a node lacks this package.
    """
    try:
        yield
    except (ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError) as error:
        raise BadInputError(
            "the object store of a node is full; start its Ray with more --object-store-memory"
        ) from error
    except ray.exceptions.OutOfMemoryError as error:
        raise BadInputError(
            "a node has no free memory for its workers; start its Ray with a lower --num-cpus"
        ) from error
    except (ray.exceptions.RaySystemError, ray.exceptions.RuntimeEnvSetupError) as error:
        if "No module named" in str(error):
            raise BadInputError(
                "a node that has joined cannot import this package; install the same version "
                f"there ({_last_line(error)})"
            ) from error
        raise


def _connect(address: str) -> None:
    resolved = os.environ.get("RAY_ADDRESS") if address == "auto" else address
    if resolved:
        _check_answer(resolved)
    try:
        with _signals_kept():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except ray.exceptions.AuthenticationError as error:
        raise BadInputError(
            "RAY_AUTH_MODE=token, but there is no token; set RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH to that of the cluster"
        ) from error
    except ConnectionError as error:
        if resolved is None:
            raise BadInputError(
                "compute.address = 'auto': no Ray runs on this machine; start it as "
                "docs/cluster.md says, or set RAY_ADDRESS=host:port"
            ) from error
        raise BadInputError(
            f"the Ray cluster at {resolved} does not let us in; RAY_AUTH_MODE and RAY_AUTH_TOKEN "
            "must be those that it was started with, and Ray's version, too"
        ) from error
    except (RuntimeError, ValueError) as error:
        # Ray compares its own and Python's versions.
        raise BadInputError(f"the Ray cluster cannot be used: {error}") from error


def _check_answer(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"compute.address = {address!r}: no Ray cluster answers there ({error}); "
            "it is started with: ray start --head --port=..."
        ) from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Restores the handler of SIGTERM, which Ray makes a plain exit that looks normal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_nodes() -> None:
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise BadInputError("the Ray cluster has no node with a CPU; start one with --num-cpus")
    probe = ray.remote(_probe())
    answers = [
        probe.options(
            num_cpus=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        ).remote()
        for node in nodes
    ]
    for node, answer in zip(nodes, answers, strict=True):
        _check_node(f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})", answer)
    cores = sum(node["Resources"]["CPU"] for node in nodes)
    logger.info("Ray cluster: %d nodes with %d cores", len(nodes), cores)


def _check_node(node: str, answer: "ray.ObjectRef[dict[str, str] | str]") -> None:
    try:
        theirs = ray.get(answer, timeout=PROBE_SECONDS)
    except ray.exceptions.RayError as error:
        reason = _last_line(error)
        raise BadInputError(f"Ray node {node} does not work: {reason}") from error
    if isinstance(theirs, str):
        raise BadInputError(
            f"Ray node {node} cannot import this package ({theirs}); install the same version "
            "there: pip install '.[cluster]'"
        )
    ours = own_versions()
    wrong = [
        f"{name} {theirs[name]}, not {ours[name]}" for name in ours if theirs[name] != ours[name]
    ]
    if set(wrong) - {line for line in wrong if line.startswith(PROCESSOR)}:
        raise BadInputError(f"Ray node {node} has other versions than we: {'; '.join(wrong)}")
    if wrong:
        logger.warning(
            "Ray node %s has another %s: the last bits of networks may differ there, and so "
            "may runs",
            node,
            wrong[0],
        )


@functools.cache
def own_versions() -> dict[str, str]:
    """Returns what the results of this process may depend on.

    Returns:
        Versions by name: this package's, with a digest of its sources, Python's and those
        of the libraries that compute; and the kind of processor, on which the last bits
        of a network's outputs depend.
    """
    from torch.backends import cpu  # noqa: PLC0415 (seconds to import)

    folder, digest = Path(qwop_wr.__file__).parent, hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.relative_to(folder).as_posix().encode())
        digest.update(source.read_bytes())
    return {
        "qwop_wr": f"{qwop_wr.__version__} (sources {digest.hexdigest()[:12]})",
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        PROCESSOR: f"{platform.machine()} {cpu.get_cpu_capability()}",
    }


def _probe() -> Callable[[], dict[str, str] | str]:
    """Makes a function that is pickled by value, for a node that may lack this package."""

    def probe() -> Any:  # noqa: ANN401
        try:
            from qwop_wr.compute.ray import own_versions  # noqa: PLC0415
        except ImportError as error:
            return str(error)
        return own_versions()

    return probe


def _last_line(error: Exception) -> str:
    return ([line for line in str(error).splitlines() if line.strip()] or [repr(error)])[-1].strip()


class RayBackend:
    """Runs items as tasks of a Ray cluster, which places and retries them."""

    def __init__(self, job: Job[Any, Any, Any], options: ComputeOptions) -> None:
        self._job = job
        self._options = options
        self._numbers: dict[ray.ObjectRef[Finished[Any]], int] = {}

    def __enter__(self) -> "RayBackend":
        with ExitStack() as stack:
            stack.enter_context(connection(self._options.address))
            with telling_cluster_faults():
                # In a list, so that a task fetches them and a process keeps them.
                self._shared = [ray.put((self._job.function, self._job.shared))]
            self._connection = stack.pop_all()
        self._task = ray.remote(_do).options(
            name=self._job.name, num_cpus=1, max_retries=self._options.retries
        )
        return self

    def __exit__(self, *error: object) -> None:
        for reference in self._numbers:
            ray.cancel(reference, force=True)
        self._connection.close()

    @property
    def room(self) -> int:
        """Number of items to keep under way; see ``Backend.room``. Nodes may come and go."""
        limit = self._options.workers
        return limit or 2 * max(int(ray.cluster_resources().get("CPU", 1)), 1)

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401
        """Submits an item; see ``Backend.submit``."""
        self._numbers[self._task.remote(self._shared, item)] = number

    def wait(self) -> list[Outcome]:
        """Waits for the first task; see ``Backend.wait``."""
        pending = list(self._numbers)
        ended, _ = ray.wait(pending, num_returns=1)
        # What else has ended by now.
        ended, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        return [self._outcome(self._numbers.pop(reference), reference) for reference in ended]

    def copies(self) -> dict[str, int]:
        """Returns the size of each copy of the shared data [bytes] by its node."""
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
            return Outcome(number, error=WorkerDiedError(self._options.retries + 1))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            return Outcome(number, error=cause if isinstance(cause, Exception) else error)
        except BadInputError as error:
            return Outcome(number, error=error)


_jobs: dict[str, Any] = {}
"""Function and shared data of this worker process's job."""


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
