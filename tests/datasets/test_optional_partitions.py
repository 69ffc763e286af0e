"""Partitions that may be missing."""

from pathlib import Path

from qwop_wr.datasets import OptionalPartitions


def test_a_folder_without_files_is_empty_until_there_are_some(tmp_path: Path) -> None:
    path = str(tmp_path / "cells")
    dataset = OptionalPartitions(path=path, dataset="json.JSONDataset", filename_suffix=".json")
    assert dataset.load() == {}
    dataset.save({"full/1": {"rate": 0.5}})
    dataset.save({"full/2": {"rate": 0.7}})
    loaded = {key: load() for key, load in dataset.load().items()}
    assert loaded == {"full/1": {"rate": 0.5}, "full/2": {"rate": 0.7}}


def test_partitions_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells/one.JSON").write_text("1")
    (tmp_path / "cells/two.json").write_text("2")
    dataset = OptionalPartitions(
        path=str(tmp_path / "cells"), dataset="json.JSONDataset", filename_suffix=".json"
    )
    assert {key: load() for key, load in dataset.load().items()} == {"one": 1, "two": 2}
