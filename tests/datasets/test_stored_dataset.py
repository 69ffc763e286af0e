"""What all datasets do alike."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError, Version, generate_timestamp

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.transitions import joined
from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    Recording,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
    TransitionsDataset,
)
from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.simulator.tape import Tape
from tests.datasets.conftest import INTERFACE
from tests.faults.soak.disk import full_disk

STATE = TrainingState(
    {
        "policy/weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "optimiser/0.step": np.array(12.0, dtype=np.float32),
        "generator/torch": np.arange(9, dtype=np.uint8),
        "history/step": np.array([1, 2**40]),
        "history/fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    },
    {"steps": 5, "best": {"card": {"stage": "expert"}}},
)


class Case(NamedTuple):
    """A dataset class, something to store in it, a name for it, and something else to store."""

    make: type[StoredDataset[Any, Any]]
    data: Any
    name: str
    other: Any


@pytest.fixture(
    params=["agent.safetensors", "agents", "recording.npz", "record.qwop.json", "tapes", "state"]
)
def case(
    request: pytest.FixtureRequest, agent: Agent, recording: Recording, tapes: dict[str, Tape]
) -> Case:
    longer = joined([recording.transitions, recording.transitions])
    cases = [
        Case(AgentDataset, agent, "agent.safetensors", agent.with_card(seed=9)),
        Case(AgentsDataset, {"guide_1": agent, "guide_2": agent}, "agents", {"other": agent}),
        Case(TransitionsDataset, recording, "recording.npz", Recording(longer, INTERFACE)),
        Case(TapeDataset, tapes["seed_12"], "record.qwop.json", tapes["native"]),
        Case(TapesDataset, tapes, "tapes", {"seed_12": tapes["native"]}),
        Case(TrainingStateDataset, STATE, "state", TrainingState(STATE.arrays, {"steps": 6})),
    ]
    return next(case for case in cases if case.name == request.param)


def assert_equal_arrays(loaded: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    assert loaded.keys() == saved.keys()
    for name, array in saved.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def assert_same(loaded: object, saved: object) -> None:
    assert type(loaded) is type(saved)
    if isinstance(loaded, Agent) and isinstance(saved, Agent):
        assert (loaded.fingerprint, loaded.card) == (saved.fingerprint, saved.card)
    elif isinstance(loaded, dict) and isinstance(saved, dict):
        assert loaded.keys() == saved.keys()
        for name, value in saved.items():
            if isinstance(value, Agent):
                assert_same(loaded[name], value)
            else:
                assert loaded[name] == value
    elif isinstance(loaded, Recording) and isinstance(saved, Recording):
        assert loaded.interface == saved.interface
        assert_equal_arrays(vars(loaded.transitions), vars(saved.transitions))
    elif isinstance(loaded, TrainingState) and isinstance(saved, TrainingState):
        assert loaded.facts == saved.facts
        assert_equal_arrays(loaded.arrays, saved.arrays)
    else:
        assert loaded == saved


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which files there are, and when they were written."""
    facts = {path: path.stat() for path in folder.rglob("*")}
    return {path: (found.st_ino, found.st_mtime_ns) for path, found in facts.items()}


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class TestStored:
    def test_round_trip_makes_missing_folders(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / "new" / "folder" / case.name)
        dataset.save(case.data)
        assert_same(dataset.load(), case.data)

    def test_other_filesystems(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=f"memory://{tmp_path}/{case.name}")
        assert not dataset.exists()
        dataset.save(case.data)
        assert dataset.exists()
        assert_same(dataset.load(), case.data)

    def test_a_file_has_the_rights_of_a_new_one(self, case: Case, tmp_path: Path) -> None:
        (tmp_path / "new").touch()
        case.make(filepath=tmp_path / case.name).save(case.data)
        rights = {path.stat().st_mode for path in tmp_path.rglob("*") if path.is_file()}
        assert len(rights) == 1

    def test_another_object_replaces_it(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        dataset.save(case.other)
        assert_same(dataset.load(), case.other)
        assert {path.name for path in tmp_path.iterdir()} == {case.name}

    def test_what_is_there_already_is_left_alone(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        before = written(tmp_path)
        dataset.save(dataset.load())
        assert written(tmp_path) == before

    def test_equal_objects_give_equal_bytes(self, case: Case, tmp_path: Path) -> None:
        for place in ("one", "two"):
            case.make(filepath=tmp_path / place / case.name).save(case.data)
        one, two = (
            [file.read_bytes() for file in sorted((tmp_path / place).rglob("*")) if file.is_file()]
            for place in ("one", "two")
        )
        assert one == two

    def test_missing_is_named(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        with pytest.raises(DatasetError, match=f"{tmp_path}/{case.name}: there is no .* here; run"):
            dataset.load()

    @pytest.mark.parametrize("version", [None, Version(None, None)])
    def test_an_optional_one_may_be_missing(
        self, case: Case, tmp_path: Path, version: Version | None
    ) -> None:
        if "optional" not in case.make.DEFAULT_LOAD_ARGS:
            pytest.skip("recordings are never optional")
        path, optional = tmp_path / case.name, {"optional": True}
        dataset = case.make(filepath=path, load_args=optional, version=version)
        assert dataset.load() == ({} if isinstance(case.data, dict) else None)
        dataset.save(case.data)
        assert_same(dataset.load(), case.data)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: b"",
            lambda content: content[: len(content) // 3],
            lambda content: content[:-4],
            lambda content: flipped(content, 200 if content[:2] == b"PK" else -1),
        ],
        ids=["empty", "third", "end", "bit"],
    )
    def test_a_damaged_file_is_named_and_replaced(
        self, case: Case, tmp_path: Path, damage: Callable[[bytes], bytes]
    ) -> None:
        path = tmp_path / case.name
        dataset = case.make(filepath=path)
        dataset.save(case.data)
        damaged = next(file for file in [*path.rglob("*"), path] if file.is_file())
        damaged.write_bytes(damage(damaged.read_bytes()))
        for optional in ({}, {"optional": True} if "optional" in dataset._load_args else {}):
            with pytest.raises(DatasetError, match=f"{damaged}: no usable "):
                case.make(filepath=path, load_args=optional).load()
        dataset.save(case.data)
        assert_same(dataset.load(), case.data)

    def test_a_large_file_is_not_read(self, case: Case, tmp_path: Path) -> None:
        if "max_bytes" not in case.make.DEFAULT_LOAD_ARGS:
            pytest.skip("a tape's limit is the format's")
        case.make(filepath=tmp_path / case.name).save(case.data)
        small = case.make(filepath=tmp_path / case.name, load_args={"max_bytes": 100})
        with pytest.raises(DatasetError, match="bytes, the limit is"):
            small.load()

    def test_full_disk_leaves_no_empty_version(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name, version=Version(None, None))
        with full_disk(100), pytest.raises(DatasetError, match="cannot write"):
            dataset.save(case.data)
        assert not dataset.exists()
        assert files_below(tmp_path) <= {case.name}

    def test_place_that_cannot_be_a_folder(self, case: Case, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("a file")
        dataset = case.make(filepath=tmp_path / "taken" / case.name)
        with pytest.raises(DatasetError, match=f"taken/{case.name}: cannot write the"):
            dataset.save(case.data)
        assert (tmp_path / "taken").read_text() == "a file"

    def test_wrong_type_is_refused(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        with pytest.raises(DatasetError, match=f"{case.name}: .* expected an? "):
            dataset.save({"seed_1": 3})
        assert not dataset.exists()

    def test_unknown_load_args(self, case: Case, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="unknown load_args 'optionl'; known: "):
            case.make(filepath=tmp_path / case.name, load_args={"optionl": True})

    def test_description_is_configuration_only(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name, metadata={"owner": "me"})
        before = dataset._describe()
        dataset.save(case.data)
        assert dataset._describe() == before
        assert before.keys() == {"filepath", "protocol", "load_args", "save_args", "version"}
        assert dataset.metadata == {"owner": "me"}

    def test_interrupted_save_leaves_nothing_half_written(
        self, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        before = files_below(tmp_path)
        real_open = dataset._fs.open

        def interrupted(path: str, mode: str) -> None:
            real_open(path, mode).close()
            raise KeyboardInterrupt

        monkeypatch.setattr(dataset._fs, "open", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dataset.save(case.data)
        monkeypatch.undo()
        assert files_below(tmp_path) == before
        assert_same(dataset.load(), case.data)


class TestFolder:
    """Datasets of several items."""

    @pytest.fixture(params=["agents", "tapes"])
    def case(self, request: pytest.FixtureRequest, agent: Agent, tapes: dict[str, Tape]) -> Case:
        if request.param == "agents":
            return Case(AgentsDataset, {"b": agent, "a": agent}, "agents", {"c": agent})
        return Case(TapesDataset, tapes, "tapes", {"native": tapes["native"]})

    def test_names_are_sorted(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        assert list(dataset.load()) == sorted(case.data)

    def test_a_save_drops_earlier_items(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        nothing: dict[str, Any] = {}
        for items in (case.data, case.other, nothing):
            dataset.save(items)
            assert dataset.load().keys() == items.keys()
        assert dataset.exists()

    def test_other_files_are_left_out(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        (tmp_path / case.name / "notes.txt").write_text("mine")
        assert dataset.load().keys() == case.data.keys()

    def test_endings_may_be_in_capitals(self, case: Case, tmp_path: Path) -> None:
        dataset: Any = case.make(filepath=tmp_path / case.name)
        dataset.save(case.other)
        ((name, _),) = case.other.items()
        file = tmp_path / case.name / f"{name}{dataset.SUFFIX}"
        file.rename(file.with_name(f"{name}{dataset.SUFFIX.upper()}"))
        assert list(dataset.load()) == [name]

    @pytest.mark.parametrize(
        "name", ["", "../up", "/etc/up", "a/b", ".hidden", "a\nb", "a\0b", "x" * 101]
    )
    def test_names_that_are_no_file_names(self, case: Case, tmp_path: Path, name: str) -> None:
        dataset = case.make(filepath=tmp_path / case.name)
        dataset.save(case.data)
        with pytest.raises(DatasetError, match=r"cannot name an? \w+; use letters"):
            dataset.save({name: next(iter(case.data.values()))})
        assert_same(dataset.load(), case.data)

    def test_limit_of_items(self, case: Case, tmp_path: Path) -> None:
        case.make(filepath=tmp_path / case.name).save(case.data)
        limit = {f"max_{case.name}": 1}
        with pytest.raises(DatasetError, match=f"it holds 2 {case.name}, the limit is 1"):
            case.make(filepath=tmp_path / case.name, load_args=limit).load()


class TestConfiguration:
    def test_a_catalog_gives_back_what_it_was_made_from(self, case: Case, tmp_path: Path) -> None:
        entry = {
            "type": f"{case.make.__module__}.{case.make.__name__}",
            "filepath": f"memory://{tmp_path}/{case.name}",
            "load_args": dict.fromkeys(case.make.DEFAULT_LOAD_ARGS, 1),
            "fs_args": {"skip_instance_cache": True},
            "versioned": True,
        }
        catalog = DataCatalog.from_config({"stored": {**entry, "metadata": {"owner": "me"}}})
        stored: Any = catalog["stored"]
        assert stored._load_args == entry["load_args"]
        assert stored.metadata == {"owner": "me"}
        config, *_ = catalog.to_config()
        assert {key: value for key, value in config["stored"].items() if value is not None} == entry

    def test_kedro_knows_every_argument(self, case: Case, tmp_path: Path) -> None:
        dataset: Any = case.make(filepath=tmp_path / case.name, metadata={"owner": "me"})
        known = {name: value for name, value in dataset._init_args.items() if value is not None}
        assert known == {"filepath": tmp_path / case.name, "metadata": {"owner": "me"}}
        assert dataset._init_args.keys() == {
            *known,
            "load_args",
            "save_args",
            "version",
            "credentials",
            "fs_args",
        }

    def test_unknown_arguments_are_named(self, case: Case, tmp_path: Path) -> None:
        entry = {
            "type": f"{case.make.__module__}.{case.make.__name__}",
            "filepath": str(tmp_path / case.name),
            "filpath": "",
        }
        with pytest.raises(DatasetError, match="unexpected keyword argument 'filpath'"):
            _ = DataCatalog.from_config({"stored": entry})["stored"]


class TestVersioned:
    def test_versions_do_not_replace_one_another(self, case: Case, tmp_path: Path) -> None:
        path = tmp_path / case.name
        versions = ["2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"]
        for version in versions:
            case.make(filepath=path, version=Version(None, version)).save(case.data)
        assert sorted(p.name for p in path.iterdir()) == versions
        newest = case.make(filepath=path, version=Version(None, None))
        assert newest.resolve_load_version() == versions[1]
        assert_same(newest.load(), case.data)
        assert_same(case.make(filepath=path, version=Version(versions[0], None)).load(), case.data)

    def test_a_version_is_not_overwritten(self, case: Case, tmp_path: Path) -> None:
        version = Version(None, generate_timestamp())
        dataset = case.make(filepath=tmp_path / case.name, version=version)
        dataset.save(case.data)
        with pytest.raises(DatasetError, match="must not exist if versioning is enabled"):
            dataset.save(case.data)

    def test_no_version_yet(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name, version=Version(None, None))
        assert not dataset.exists()
        with pytest.raises(DatasetError, match=f"{case.name}: there is no "):
            dataset.load()

    def test_missing_version_is_named(self, case: Case, tmp_path: Path) -> None:
        dataset = case.make(filepath=tmp_path / case.name, version=Version("old", None))
        with pytest.raises(DatasetError, match="in version old"):
            dataset.load()

    def test_saved_path_is_the_one_that_hooks_compute(
        self, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dataset = case.make(filepath=tmp_path / case.name, version=Version(None, None))
        # However late it is when the version is asked for again.
        moments = (f"2026-01-01T00.00.00.{number:03}Z" for number in range(1000))
        monkeypatch.setattr("kedro.io.core.generate_timestamp", lambda: next(moments))
        dataset.save(case.data)
        version = dataset.resolve_save_version()
        assert version is not None
        assert Path(dataset._get_versioned_path(version)).exists()

    def test_release_forgets_the_version(self, case: Case, tmp_path: Path) -> None:
        path = tmp_path / case.name
        case.make(filepath=path, version=Version(None, "1")).save(case.data)
        dataset = case.make(filepath=path, version=Version(None, None))
        assert dataset.resolve_load_version() == "1"
        case.make(filepath=path, version=Version(None, "2")).save(case.data)
        dataset.release()
        assert dataset.resolve_load_version() == "2"
