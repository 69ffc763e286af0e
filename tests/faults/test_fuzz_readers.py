"""Damaged and hostile files are read or refused; nothing else ever happens."""

import pickle
from pathlib import Path

import pytest

from tests.faults.fuzzing import ExecutionError, attempt, fuzz
from tests.faults.mutations import hostile_payloads
from tests.faults.readers import Reader, all_readers

NAMES = (
    "arrays (npz)",
    "demonstrations (npz)",
    "agent",
    "folder of agents",
    "foreign tensors",
    "training state",
    "agent of Stable-Baselines3 (zip)",
    "tape",
    "tape, by the command",
    "folder of tapes",
    "RUNR (.bin)",
    "qwop-gym (.rec)",
    "JSON",
    "configuration (YAML)",
)
N_FILES = 200
SLOW = {"configuration (YAML)": 40}
"""Where a file takes longer: PyYAML."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def readers(folder: Path) -> dict[str, Reader]:
    return all_readers(folder)


def test_every_reader_is_tried(readers: dict[str, Reader]) -> None:
    assert tuple(readers) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(name: str, readers: dict[str, Reader], folder: Path) -> None:
    canary = folder / "canary"
    n_files = SLOW.get(name, N_FILES)
    payloads = hostile_payloads(canary)
    counts, crashes = fuzz(readers[name], n_files, folder, payloads, canary, seed=2)
    assert crashes == []
    assert counts["accepted"] + counts["refused"] == n_files


@pytest.mark.parametrize("name", [name for name in NAMES if name != "foreign tensors"])
def test_samples_are_accepted(name: str, readers: dict[str, Reader], folder: Path) -> None:
    reader = readers[name]
    path = folder / f"sample{reader.suffix}"
    assert attempt(reader, reader.sample, path, folder / "canary") == "accepted"


def test_a_reader_that_executes_is_found_out(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    careless = Reader(
        "pickle",
        ".pkl",
        b"",
        lambda path: pickle.loads(path.read_bytes()),  # noqa: S301
        (OSError,),
    )
    payload = hostile_payloads(canary)[0]
    with pytest.raises(ExecutionError):
        attempt(careless, payload, tmp_path / "file.pkl", canary)
    assert canary.is_dir()


def test_a_reader_that_crashes_is_found_out(tmp_path: Path) -> None:
    careless = Reader("int", ".txt", b"", lambda path: int(path.read_text()), (OSError,))
    with pytest.raises(ValueError, match="invalid literal"):
        attempt(careless, b"x", tmp_path / "file.txt", tmp_path / "canary")
