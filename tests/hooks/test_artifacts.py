"""Copies of saved files in MLflow."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.io.core import Version
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset

from qwop_wr.datasets import TapesDataset
from qwop_wr.hooks import ArtifactLoggingHook
from qwop_wr.simulator.tape import Tape
from tests.tiny_project.project import TinyProject

METADATA = {"mlflow": {"artifact_path": "results/best"}}


def artifacts(run_id: str, path: str | None = None) -> list[str]:
    return [file.path for file in mlflow.MlflowClient().list_artifacts(run_id, path)]


def log_saved(dataset: AbstractDataset[Any, Any], name: str = "result") -> None:
    hook = ArtifactLoggingHook()
    hook.after_catalog_created(DataCatalog({name: dataset}))
    hook.after_dataset_saved(name, None)


def test_file_of_a_pipeline(tiny_project: TinyProject) -> None:
    tiny_project.run()
    run_id = tiny_project.runs()["default (base)"].info.run_id
    assert artifacts(run_id) == ["inputs"]
    assert artifacts(run_id, "inputs") == ["inputs/numbers.json"]


def test_what_is_learnt_from_is_an_input_of_the_run(run_id: str, tmp_path: Path) -> None:
    path = tmp_path / "demonstrations.json"
    metadata = {"mlflow": {"input": "training"}}
    dataset = JSONDataset(filepath=str(path), metadata=metadata)
    dataset.save([1, 2, 3])
    hook = ArtifactLoggingHook()
    hook.after_catalog_created(DataCatalog({"demonstrations": dataset}))
    for _ in range(3):  # once per stage
        hook.after_dataset_loaded("demonstrations")
    inputs = mlflow.MlflowClient().get_run(run_id).inputs
    assert inputs is not None
    [found] = inputs.dataset_inputs
    assert found.dataset.name == "demonstrations"
    assert found.dataset.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:36]
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]


def test_the_version_just_saved(run_id: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    for version in ("1", "2"):
        dataset = JSONDataset(filepath=path, version=Version(None, version), metadata=METADATA)
        dataset.save(f"version {version}")
    log_saved(dataset)
    copy = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="results/best/result.json"
    )
    assert Path(copy).read_text() == '"version 2"'


def test_folder(run_id: str, tmp_path: Path) -> None:
    tape = Tape.record(np.zeros(3, np.uint8), engine="box2d")
    dataset = TapesDataset(filepath=tmp_path / "tapes", metadata=METADATA)
    dataset.save({"one": tape, "two": tape})
    log_saved(dataset)
    assert artifacts(run_id, "results/best") == [
        "results/best/one.qwop.json",
        "results/best/two.qwop.json",
    ]


@pytest.mark.parametrize("metadata", [None, {}, {"mlflow": None}, {"kedro-viz": {"layer": "x"}}])
def test_without_metadata_nothing_is_logged(
    run_id: str, tmp_path: Path, metadata: dict[str, object] | None
) -> None:
    dataset = JSONDataset(filepath=tmp_path / "result.json", metadata=metadata)
    dataset.save(1)
    log_saved(dataset)
    assert artifacts(run_id) == []


def test_without_a_run_nothing_happens(tracking_uri: str, tmp_path: Path) -> None:
    dataset = JSONDataset(filepath=tmp_path / "result.json", metadata=METADATA)
    dataset.save(1)
    log_saved(dataset)
    assert mlflow.active_run() is None


def test_what_is_no_local_file_is_told(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        log_saved(MemoryDataset(1, metadata=METADATA))
    assert "result is not a local file" in caplog.text
    assert artifacts(run_id) == []


def test_partitions_of_this_save_keep_their_folders(run_id: str, tmp_path: Path) -> None:
    dataset = PartitionedDataset(
        path=str(tmp_path / "cells"),
        dataset="json.JSONDataset",
        filename_suffix=".json",
        metadata={"mlflow": {"artifact_path": "cells"}},
    )
    dataset.save({"before/1": 0})
    cells = {"first/1": 1, "second/1": 2, "third": 3}
    dataset.save(cells)
    hook = ArtifactLoggingHook()
    hook.after_catalog_created(DataCatalog({"cells": dataset}))
    hook.after_dataset_saved("cells", cells)
    assert artifacts(run_id, "cells") == ["cells/first", "cells/second", "cells/third.json"]
    assert artifacts(run_id, "cells/second") == ["cells/second/1.json"]
