"""Getting into a Ray cluster, and telling in one line why it cannot be had."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qwop_wr.compute.versions import PROCESSOR, own_versions
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

ANSWER_SECONDS: Final = 3.0
"""How long a cluster may take to take a connection."""

PROBE_SECONDS: Final = 60.0
"""How long a node may take to start a worker and tell its versions."""


@contextmanager
def connection(address: str) -> Iterator[None]:
    """Be connected to a cluster, whose nodes have been found fit, for a block.

    A connection that is there already is used and left open.

    Args:
        address: ``host:port`` or ``auto``.

    Yields:
        Nothing.

    Raises:
        BadInputError: If the cluster does not answer, does not let us in or has a node
            that is not fit for our work.
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
    """Tell what a cluster lacks in one line.

    Yields:
        Nothing.

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
    """Undo that Ray makes SIGTERM a plain exit, which a run could not tell from its end."""
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


def _probe() -> Callable[[], dict[str, str] | str]:
    """Make a function that travels whole, for a node that may lack this package."""

    def probe() -> Any:  # noqa: ANN401
        try:
            from qwop_wr.compute.versions import own_versions  # noqa: PLC0415
        except ImportError as error:
            return str(error)
        return own_versions()

    return probe


def _last_line(error: Exception) -> str:
    return ([line for line in str(error).splitlines() if line.strip()] or [repr(error)])[-1].strip()
