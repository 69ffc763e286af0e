"""conf/cluster: what it changes, and where results go."""

from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog

from qwop_wr import settings
from qwop_wr.compute import ComputeOptions

CONF = Path(__file__).parents[1] / "conf"
MOVED = [
    "evaluation_episodes",
    "tapes",
    "evaluation_summary",
    "experiment_cells",
    "stored_experiment_cells",
]


def load(env: str) -> OmegaConfigLoader:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS, "default_run_env": "base"}
    return OmegaConfigLoader(str(CONF), env=env, **arguments)


def test_compute_is_a_cluster() -> None:
    base, cluster = (load(env)["parameters"] for env in ("base", "cluster"))
    assert ComputeOptions.model_validate(base["compute"]).backend == "serial"
    assert ComputeOptions.model_validate(cluster["compute"]).backend == "ray"
    assert cluster["evaluation"] == base["evaluation"]


def place(catalog: dict[str, Any], name: str) -> str:
    entry = catalog[name]
    return str(entry.get("filepath") or entry["path"])


@pytest.mark.parametrize("results", [None, "s3://bucket/qwop"])
def test_results_go_where_they_are_sent(
    results: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QWOP_RESULTS", raising=False)
    if results is not None:
        monkeypatch.setenv("QWOP_RESULTS", results)
    base, cluster = load("base")["catalog"], load("cluster")["catalog"]
    for name in MOVED:
        there = place(base, name).replace("data/", f"{results or 'data'}/", 1)
        assert place(cluster, name) == there
        same = {key for key in base[name] if key not in ("filepath", "path")}
        assert all(cluster[name][key] == base[name][key] for key in same)


def test_results_reach_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWOP_RESULTS", "memory://cluster")
    catalog = load("cluster")["catalog"]
    summary = DataCatalog.from_config({"summary": {**catalog["evaluation_summary"]}})
    summary.save("summary", {"seeds": 3})
    assert summary.load("summary") == {"seeds": 3}
