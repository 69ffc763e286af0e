"""The catalog as Kedro-Viz and MLflow read it."""

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from omegaconf import OmegaConf

from qwop_wr.pipeline_registry import register_pipelines

CONF = Path(__file__).parents[1] / "conf/base"


@pytest.fixture(scope="module")
def catalog() -> DataCatalog:
    parts = [OmegaConf.load(path) for path in sorted(CONF.glob("catalog*.yml"))]
    config: Any = OmegaConf.to_container(OmegaConf.merge(*parts))
    return DataCatalog.from_config({k: v for k, v in config.items() if not k.startswith("_")})


def layer(catalog: DataCatalog, name: str) -> str | None:
    metadata = getattr(catalog.get(name), "metadata", None) or {}
    found: str | None = (metadata.get("kedro-viz") or {}).get("layer")
    return found


def layers_behind(catalog: DataCatalog, pipeline: Pipeline, name: str) -> set[str]:
    """Layers that are reached from a dataset without passing another layer."""
    found: set[str] = set()
    for node in pipeline.nodes:
        for output in node.outputs if name in node.inputs else ():
            reached = layer(catalog, output)
            found |= {reached} if reached else layers_behind(catalog, pipeline, output)
    return found


@pytest.mark.parametrize("name", sorted(register_pipelines()))
def test_layers_form_no_circle(catalog: DataCatalog, name: str) -> None:
    # Kedro-Viz shows no layers at all if they do.
    pipeline = register_pipelines()[name]
    follows: dict[str, set[str]] = {}
    for dataset in pipeline.datasets():
        before = layer(catalog, dataset)
        if before and not dataset.startswith("param"):
            after = layers_behind(catalog, pipeline, dataset) - {before}
            follows.setdefault(before, set()).update(after)
    assert len(tuple(TopologicalSorter(follows).static_order())) == len(
        {*follows, *(name for after in follows.values() for name in after)}
    )


def test_what_is_kept_has_a_preview(catalog: DataCatalog) -> None:
    pipeline = register_pipelines()["world_record"]
    silent = {
        name
        for name in pipeline.datasets()
        if layer(catalog, name) and not hasattr(catalog.get(name), "preview")
    }
    # Metrics are shown by MLflow; a folder of other programs' runs has nothing to show.
    assert silent == {"demonstration_recordings", "evaluation_metrics"}
