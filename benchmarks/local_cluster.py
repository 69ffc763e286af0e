"""A Ray cluster of several nodes on this machine, on loopback alone, with its own token."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

OBJECT_STORE_BYTES: Final = 100_000_000


def prepare() -> None:
    """Set what Ray reads when it is imported; call it before anything imports Ray."""
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # Nodes then listen on 127.0.0.1 and nowhere else; on Linux, too.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.pop("RAY_ADDRESS", None)


@contextmanager
def local_cluster(nodes: int, **node_options: Any) -> Iterator[Any]:  # noqa: ANN401 (Ray's)
    """Run a cluster for a block; nothing of it is left, however the block ends.

    Args:
        nodes: Nodes of one core each.
        **node_options: Options of all nodes but the first.

    Yields:
        Ray's ``Cluster``.
    """
    import ray  # noqa: PLC0415 (after prepare)
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    common = {
        "num_cpus": 1,
        "node_ip_address": "127.0.0.1",
        "object_store_memory": OBJECT_STORE_BYTES,
        "include_dashboard": False,
    }
    cluster = Cluster(initialize_head=True, head_node_args=common, shutdown_at_exit=True)
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**{**common, **node_options})
        cluster.wait_for_nodes()
        yield cluster
    finally:
        if ray.is_initialized():
            ray.shutdown()
        cluster.shutdown()
