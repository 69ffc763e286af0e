"""Damaged and hostile files are read or refused; nothing else ever happens."""

import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.fuzzing import ExecutionError, attempt, damaged
from tests.faults.mutations import KINDS, Mutation, hostile_payloads
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


def mutations(canary: Path) -> st.SearchStrategy[list[Mutation]]:
    payloads = st.sampled_from(hostile_payloads(canary)) | st.binary(max_size=8)
    one = st.builds(Mutation, st.sampled_from(list(KINDS)), st.floats(0, 1), payloads)
    return st.lists(one, min_size=1, max_size=4)


def test_every_reader_is_tried(readers: dict[str, Reader]) -> None:
    assert tuple(readers) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(name: str, readers: dict[str, Reader], folder: Path) -> None:
    reader, canary = readers[name], folder / "canary"
    path = folder / f"file{reader.suffix}"

    @settings(
        max_examples=SLOW.get(name, N_FILES),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def read_one(data: st.DataObject) -> None:
        changes = data.draw(mutations(canary))
        content = damaged(reader, changes, data.draw(st.integers(0, 1)))
        assert attempt(reader, content, path, canary) in ("accepted", "refused")

    read_one()


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
