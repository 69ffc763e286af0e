"""Logs a run to MLflow: its parameters, its origin, and the datasets whose entries ask for it."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import mlflow
from kedro.framework.hooks import hook_impl
from kedro.io import AbstractDataset, AbstractVersionedDataset, DataCatalog
from kedro.pipeline import Pipeline
from kedro_datasets.partitions import PartitionedDataset
from mlflow.entities import Dataset, DatasetInput, InputTag

from qwop_wr import __version__
from qwop_wr.agents.agent import Agent
from qwop_wr.provenance import read_revision
from qwop_wr.tracking.runs import flatten_options, log_parameters, tolerated

logger = logging.getLogger(__name__)

DEFEATED: Final = "defeated"
"""Entry of a champion's card: fingerprints of the agents that it beat."""

_PREFIX = "params:"
_UNKNOWN = "unknown"


class ParametersHook:
    """Remembers the parameters' values, for hooks that log those of the pipeline."""

    def __init__(self) -> None:
        self._parameters: dict[str, Any] = {}

    @hook_impl
    def after_catalog_created(self, parameters: dict[str, Any]) -> None:
        """Remember the parameters' values."""
        self._parameters = parameters

    def _used(self, pipeline: Pipeline) -> dict[str, Any]:
        """Flattens the parameters that are inputs of the pipeline."""
        names = sorted(name for name in pipeline.inputs() if name.startswith(_PREFIX))
        return flatten_options(
            {
                name.removeprefix(_PREFIX): self._parameters[name]
                for name in names
                if name in self._parameters
            }
        )


class ParameterLoggingHook(ParametersHook):
    """Logs the pipeline's parameters, typed options flattened, once per run."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Log the pipeline's parameters to the active MLflow run."""
        run = mlflow.active_run()
        if run is None:
            return
        values = self._used(pipeline)
        with tolerated("log the parameters"):
            log_parameters(mlflow.MlflowClient(), run.info.run_id, values)


class ProvenanceHook(ParametersHook):
    """Tags the MLflow run with commit, versions and physics, and names it."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Tag and name the active MLflow run."""
        run = mlflow.active_run()
        if run is None:
            return
        revision = read_revision(Path(run_params["project_path"]))
        dirty = _UNKNOWN if revision.dirty is None else str(revision.dirty).lower()
        pipelines = list(run_params["pipeline_names"] or ["__default__"])
        environment = run_params["env"] or "base"
        used = self._used(pipeline)
        physics = {
            name: {str(value) for key, value in used.items() if key.split(".")[-1] == name}
            for name in ("engine", "platform")
        }
        with tolerated("tag the run"):
            mlflow.set_tags(
                {
                    "git_commit": revision.commit or _UNKNOWN,
                    "git_dirty": dirty,
                    **{
                        name: "+".join(sorted(values)) or _UNKNOWN
                        for name, values in physics.items()
                    },
                    "kedro_env": environment,
                    "qwop_wr_version": __version__,
                }
            )
            # Replaces only the default name of kedro-mlflow, not a configured one.
            if run.info.run_name == "+".join(pipelines):
                parts = run_params["namespaces"] or [name.strip("_") for name in pipelines]
                name = f"{'+'.join(parts)} ({environment})"
                mlflow.MlflowClient().update_run(run.info.run_id, name=name)


class CatalogEntriesHook:
    """Remembers the run's catalog, for hooks that follow the metadata of its entries."""

    def __init__(self) -> None:
        self._catalog: DataCatalog | None = None

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Remember the catalog."""
        self._catalog = catalog

    def _wanted(self, dataset_name: str) -> Mapping[str, Any]:
        """The entry's ``metadata.mlflow``; empty without one, or while no MLflow run is active."""
        if self._catalog is None or mlflow.active_run() is None:
            return {}
        metadata = getattr(self._catalog[dataset_name], "metadata", None) or {}
        return metadata.get("mlflow") or {}


class ArtifactLoggingHook(CatalogEntriesHook):
    """Logs a dataset's file or folder right after it is saved, if its metadata asks.

    Training data is logged as a dataset input of the run, by name and digest, when it is
    loaded. The catalog entry asks for both:

    ```yaml
    metadata:
      mlflow:
        artifact_path: agents
        input: training
    ```
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged: set[tuple[str, str]] = set()

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str) -> None:
        """Log the loaded dataset as an input of the run, once."""
        context = self._wanted(dataset_name).get("input")
        run = mlflow.active_run()
        if self._catalog is None or context is None or run is None:
            return
        path = Path(str(getattr(self._catalog[dataset_name], "_filepath", "")))
        if not path.is_file() or (run.info.run_id, dataset_name) in self._logged:
            return
        self._logged.add((run.info.run_id, dataset_name))
        source = json.dumps({"uri": str(path)})
        dataset = Dataset(dataset_name, _digest(path), "local", source)
        tag = InputTag("mlflow.data.context", str(context))
        with tolerated(f"log {dataset_name} as an input"):
            mlflow.MlflowClient().log_inputs(run.info.run_id, [DatasetInput(dataset, [tag])])

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: object) -> None:
        """Log the saved file; of a partitioned dataset, the partitions of this save."""
        artifact_path = self._wanted(dataset_name).get("artifact_path")
        if self._catalog is None or artifact_path is None:
            return
        for path, folder in _saved_paths(self._catalog[dataset_name], data):
            if path is None or not path.exists():
                logger.warning("%s is not a local file, so MLflow gets no copy of it", dataset_name)
                return
            place = str(PurePosixPath(artifact_path) / folder)
            with tolerated(f"take a copy of {dataset_name}"):
                if path.is_dir():
                    mlflow.log_artifacts(str(path), place)
                else:
                    mlflow.log_artifact(str(path), place)


def _saved_paths(
    dataset: AbstractDataset[Any, Any], data: object
) -> list[tuple[Path | None, PurePosixPath]]:
    """Files that were just saved, and the folder of each among the dataset's files."""
    here = PurePosixPath()
    if isinstance(dataset, PartitionedDataset) and isinstance(data, Mapping):
        return [
            (Path(dataset._partition_to_path(name)), PurePosixPath(name).parent) for name in data
        ]
    if not isinstance(dataset, AbstractVersionedDataset):
        return [(None, here)]
    version = dataset.resolve_save_version()
    path = dataset._filepath if version is None else dataset._get_versioned_path(version)
    return [(Path(path), here)]


def _digest(path: Path) -> str:
    """SHA-256 of a file, cut to the 36 characters that MLflow keeps."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()[:36]


class ModelRegistryHook(CatalogEntriesHook):
    """Registers an agent right after it is saved, if its metadata asks.

    The alias, if the entry has one, moves to the agent only from an agent that its card
    lists as defeated:

    ```yaml
    metadata:
      mlflow:
        registered_model: qwop-runner
        alias: champion
    ```
    """

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Register the saved agent."""
        if not isinstance(data, Agent):
            return
        wanted = self._wanted(dataset_name)
        if model := wanted.get("registered_model"):
            with tolerated(f"register {dataset_name} as {model}"):
                _register(data, model, wanted.get("alias"))


def _register(agent: Agent, model: str, alias: str | None) -> None:
    # A slow import (one second) that most pipelines do not need.
    from qwop_wr.tracking.registry import move_alias, register_agent  # noqa: PLC0415

    if alias is None:
        register_agent(agent, model)
        return
    defeated = agent.card.get(DEFEATED, [])
    beaten = frozenset(map(str, defeated)) if isinstance(defeated, list) else frozenset()
    if not move_alias(agent, model, alias, beaten):
        logger.info("%s@%s stays with an agent that this one was not compared with", model, alias)
