"""The map on a Ray cluster: two nodes of this machine, with token authentication."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.local_cluster import local_cluster, prepare

from qwop_wr.compute import ComputeOptions, ItemError, connected, run_job
from qwop_wr.errors import BadInputError
from tests.compute import jobs

pytestmark = pytest.mark.slow

has_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install '.[cluster]'"
)


def on(address: str) -> ComputeOptions:
    return ComputeOptions(backend="ray", address=address, retries=1)


def done_on(address: str, function: Any, shared: object = 100) -> list[Any]:
    job = jobs.job(function, shared)
    return [one.value for one in run_job(job, range(6), on(address), progress=False)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    before = dict(os.environ)
    prepare()
    root = Path(__file__).parents[2]
    # Workers import the tests' jobs.
    paths = [str(root / "src"), str(root), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with local_cluster(nodes=2) as cluster:
        yield cluster
    os.environ.clear()
    os.environ.update(before)


def test_ray_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ray", "ray.util.scheduling_strategies"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "qwop_wr.compute.ray", raising=False)
    with pytest.raises(BadInputError, match=r"Ray is not installed; pip install '\.\[cluster\]'"):
        done_on("auto", jobs.add)
    sys.modules.pop("qwop_wr.compute.ray", None)


@has_ray
def test_jobs_of_one_connection(cluster: Any, tmp_path: Path) -> None:
    """Order, errors and deaths are those of the other places."""
    with connected(on(cluster.address)):
        added = done_on(cluster.address, jobs.add_slowly_at_first)
        assert added == list(range(100, 106))
        with pytest.raises(ItemError, match="counting, number 3: ValueError: three is too many"):
            done_on(cluster.address, jobs.fail_at_three)
        numbers = [number for number, _ in done_on(cluster.address, jobs.die_once, tmp_path)]
        assert numbers == [0, 1, 2, 3, 4, 5]
        assert (tmp_path / "died").exists()
        with pytest.raises(ItemError, match="number 2: .*died 2 times while it was under way"):
            done_on(cluster.address, jobs.always_die_at_two)


@has_ray
def test_shared_data_are_on_every_node_once(cluster: Any) -> None:
    from qwop_wr.compute.ray import RayBackend  # noqa: PLC0415 (needs Ray)

    shared = bytes(1_000_000)
    with RayBackend(jobs.job(jobs.size_slowly, shared), on(cluster.address)) as backend:
        for number in range(6):
            backend.submit(number, number)
        outcomes = backend.wait()
        while len(outcomes) < 6:
            outcomes += backend.wait()
        copies = backend.copies()
    results = [outcome.finished for outcome in outcomes if outcome.finished]
    assert [result.value for result in results] == [len(shared)] * 6
    assert len({result.worker for result in results}) == 2
    assert len(copies) == 2
    assert all(len(shared) < size < 1.01 * len(shared) for size in copies.values())


@has_ray
@pytest.mark.parametrize(
    ("sabotage", "message"),
    [
        ("import sys; sys.modules['qwop_wr'] = None", "cannot import this package"),
        (
            "import importlib.metadata as m; v = m.version; "
            "m.version = lambda name: '0.1' if name == 'numba' else v(name)",
            "has other versions than we: numba 0.1, not",
        ),
    ],
)
def test_a_node_that_does_not_fit(
    cluster: Any, tmp_path: Path, sabotage: str, message: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(sabotage)
    paths = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    node = cluster.add_node(
        num_cpus=1,
        node_ip_address="127.0.0.1",
        object_store_memory=100_000_000,
        env_vars={"PYTHONPATH": paths},
    )
    try:
        cluster.wait_for_nodes()
        with pytest.raises(BadInputError, match=message):
            done_on(cluster.address, jobs.add)
    finally:
        cluster.remove_node(node)


@has_ray
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RAY_AUTH_TOKEN": "0" * 64}, "does not let us in; RAY_AUTH_MODE and RAY_AUTH_TOKEN"),
        ({"RAY_AUTH_TOKEN": ""}, "but there is no token; set RAY_AUTH_TOKEN"),
    ],
)
def test_a_wrong_token(cluster: Any, change: dict[str, str], message: str, tmp_path: Path) -> None:
    """In another process, for Ray reads the token once."""
    script = (
        "from tests.compute.test_ray import done_on\n"
        "from tests.compute import jobs\n"
        "from qwop_wr.errors import BadInputError\n"
        "try:\n"
        f"    done_on({cluster.address!r}, jobs.add)\n"
        "except BadInputError as error:\n"
        "    print(error.message)\n"
    )
    environment = {**os.environ, **change, "HOME": str(tmp_path)}
    if not environment["RAY_AUTH_TOKEN"]:
        del environment["RAY_AUTH_TOKEN"]
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert message in answer.stdout


@has_ray
def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match="'127.0.0.1:9': no Ray cluster answers there"):
        done_on("127.0.0.1:9", jobs.add)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(BadInputError, match="no Ray cluster answers there"):
        done_on("auto", jobs.add)


@has_ray
def test_other_versions_of_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray  # noqa: PLC0415

    def refuse(**options: object) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.50.0")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(BadInputError, match="cannot be used: Version mismatch: .* Ray: 2.50.0"):
        done_on("auto", jobs.add)


@has_ray
@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ObjectStoreFullError", "object store of a node is full; .*--object-store-memory"),
        ("OutOfDiskError", "object store of a node is full"),
        ("OutOfMemoryError", "no free memory for its workers; .*--num-cpus"),
    ],
)
def test_no_room(error: str, message: str) -> None:
    from ray import exceptions  # noqa: PLC0415

    from qwop_wr.compute.ray import telling_cluster_faults  # noqa: PLC0415

    with pytest.raises(BadInputError, match=message), telling_cluster_faults():
        raise getattr(exceptions, error)("full")
