"""Attacks that were thought of, one by one: none takes memory or time, none gets anywhere."""

import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DatasetError
from numpy.lib import format as npy_format
from safetensors.numpy import save as format_tensors

from qwop_wr.datasets import AgentDataset, AgentsDataset, TapeDataset, TapesDataset
from qwop_wr.datasets.npz import read_arrays
from qwop_wr.errors import BadInputError
from qwop_wr.hooks.configuration_files import check_file, check_files
from qwop_wr.simulator import tape_format
from qwop_wr.simulator.tape import Tape, TapeError
from tests.faults.readers import Reader, all_readers

MEBIBYTE = 2**20


@contextmanager
def at_most(n_bytes: int) -> Iterator[None]:
    """Fail if Python and numpy take more memory in the block."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < n_bytes, f"took {peak / MEBIBYTE:.1f} MiB"


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return all_readers(tmp_path_factory.mktemp("samples"))


def npy(descr: str, shape: str, data: bytes = b"") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def zipped(content: bytes, name: str = "a.npy", compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def crowded() -> bytes:
    """A directory of 200,000 entries, which would take 100 MB as Python objects."""
    directory = (b"PK\x01\x02" + bytes(42)) * 200_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFF0, 0xFFF0, len(directory), 0, 0)
    return directory + end


def long_header() -> bytes:
    """Version 2 of npy lets a header have 4 GiB; 64 MiB of blanks pack into 64 KiB."""
    header = b" " * (64 * MEBIBYTE)
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header
    return zipped(content, compression=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(npy("'<f8'", "(1000000000,)")), "does not fill its place"),
        (zipped(npy("'<f8'", "(1000000000000000000000000, 0)")), "maximum|too large|allowed"),
        (zipped(npy("'<f8'", "(-1, -2)", b"x" * 16)), "does not fill its place"),
        (zipped(npy("'|O'", "(1,)", b"x" * 8)), "holds Python objects"),
        (zipped(npy("('<f8', (1000000,))", "()")), "does not fill|neither number nor text"),
        (zipped(npy("[('a', '<f8')]", "(1,)", b"x" * 8)), "neither number nor text"),
        (zipped(npy("'<U0'", "(1000000000,)")), "neither number nor text"),
        (zipped(npy("'|V0'", "(1000000000,)")), "neither number nor text"),
        (zipped(npy("'<f8'", "(1,)" * 300)), "no readable header"),
        (zipped(npy("'<f8'", "(" * 5000)), "no readable header"),
        (zipped(npy("__import__('os').getpid()", "(1,)")), "no readable header"),
        (zipped(b"\x00" * (64 * MEBIBYTE), compression=zipfile.ZIP_DEFLATED), "readable header"),
        (long_header(), "no readable header"),
        (crowded(), "its directory has 9200000 bytes, the limit is"),
        (zipped(npy("'<f8'", "(1,)", b"x" * 8), "../../a.npy"), "lacks the array 'a'"),
    ],
)
def test_arrays(content: bytes, message: str) -> None:
    with at_most(8 * MEBIBYTE + len(content)), pytest.raises(ValueError, match=message):
        read_arrays(io.BytesIO(content), ("a",), 10_000)


def test_arrays_are_in_memory_once() -> None:
    array = np.zeros(2 * MEBIBYTE)  # 16 MiB
    file = io.BytesIO()
    np.savez_compressed(file, a=array)
    with at_most(20 * MEBIBYTE):
        loaded = read_arrays(file, ("a",), 32 * MEBIBYTE)
    np.testing.assert_array_equal(loaded["a"], array)


def _with_spec(sample: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    (length,) = struct.unpack_from("<Q", sample)
    header = json.loads(sample[8 : 8 + length])
    description = json.loads(header["__metadata__"]["qwop-agent"])
    change(description["spec"])
    header["__metadata__"]["qwop-agent"] = json.dumps(description, separators=(",", ":"))
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + sample[8 + length :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec.update(net_arch=[1] * 300_000), "net_arch"),
        (lambda spec: spec.update(net_arch=[10**12]), "net_arch"),
        (lambda spec: spec.update(n_observations=10**18), "n_observations"),
        (lambda spec: spec.update(n_actions=True), "actions|spec|shape"),
        (lambda spec: spec.update(reward_scale=float("nan")), "reward_scale"),
        (lambda spec: spec.update(algorithm="os.system"), "algorithm"),
    ],
)
def test_specs_that_ask_for_too_much(
    change: Callable[[dict[str, Any]], None],
    message: str,
    readers: dict[str, Reader],
    tmp_path: Path,
) -> None:
    path = tmp_path / "agent.safetensors"
    path.write_bytes(_with_spec(readers["agent"].sample, change))
    with at_most(64 * MEBIBYTE), pytest.raises(DatasetError, match=message):
        AgentDataset(filepath=path).load()


@pytest.mark.parametrize(
    "offsets",
    [[[0, 16], [0, 16]], [[0, 16], [16, 2**63]], [[16, 0], [0, 16]], [[0, 2**62], [0, 4]]],
)
def test_tensors_that_overlap_or_lie_outside(
    offsets: list[list[int]], readers: dict[str, Reader], tmp_path: Path
) -> None:
    sample = readers["agent"].sample
    (length,) = struct.unpack_from("<Q", sample)
    header = json.loads(sample[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"][:2]
    for name, place in zip(names, offsets, strict=True):
        header[name]["data_offsets"] = place
    text = json.dumps(header).encode()
    path = tmp_path / "agent.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + sample[8 + length :])
    with at_most(8 * MEBIBYTE), pytest.raises(DatasetError, match="truncated or damaged"):
        AgentDataset(filepath=path).load()


def test_a_file_that_only_looks_small(tmp_path: Path) -> None:
    # A sparse file of 1 TB takes no disk.
    path = tmp_path / "agent.safetensors"
    path.write_bytes(format_tensors({"a": np.ones(2)}, metadata={"qwop-agent": "{}"}))
    os.truncate(path, 2**40)
    with at_most(MEBIBYTE), pytest.raises(DatasetError, match="the limit is"):
        AgentDataset(filepath=path).load()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir])
@pytest.mark.parametrize(
    ("dataset", "suffix"),
    [
        (TapeDataset, ".qwop.json"),
        (AgentDataset, ".safetensors"),
        (TapesDataset, ".qwop.json"),
        (AgentsDataset, ".safetensors"),
    ],
)
def test_pipes_and_devices_are_not_opened(
    make: Callable[[Path], None], dataset: type[Any], suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"one{suffix}"
    make(path)
    wanted = tmp_path if dataset in (TapesDataset, AgentsDataset) else path
    with pytest.raises(DatasetError, match="it is no ordinary file"):
        dataset(filepath=wanted).load()


def test_a_folder_is_measured_as_a_whole(readers: dict[str, Reader], tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.qwop.json").write_bytes(readers["tape"].sample)
    limit = 2 * len(readers["tape"].sample)
    small = TapesDataset(filepath=tmp_path, load_args={"max_bytes": limit})
    with pytest.raises(DatasetError, match=r"2\.qwop\.json: .* the limit is 0"):
        small.load()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    tapes = tmp_path / "tapes"
    tapes.symlink_to(elsewhere)
    tape = Tape.record(np.ones(3, np.uint8), engine="box2d")
    TapesDataset(filepath=tapes).save({"one": tape})
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "tapes"]


TAPE = '{"format": "qwop-tape", "format_version": 1, "keys": %s, "meta": {}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 1_000_000, "not JSON"),
        ('{"a":' * 500_000, "not JSON"),
        ("{" + ",".join(f'"{n}":0' for n in range(200_000)) + ',"199999":0}', "is there twice"),
        ("9" * 1_000_000, "not JSON"),
        ('{"format": NaN}', "NaN is no number in JSON"),
    ],
)
def test_json_that_is_deep_long_or_repeats_itself(text: str, message: str) -> None:
    with at_most(128 * MEBIBYTE), pytest.raises(TapeError, match=message):
        Tape.from_json(text)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("keys", [[1, 10**9]], "ticks: must be an integer from 1 to"),
        ("keys", [[1, 99_999], [2, 99_999]], "may last at most"),
        ("keys", [[1, True]], "must be an integer"),
        ("keys", [[1, 1.0]], "must be an integer"),
        ("keys", [[1, 1]] * 100_001, "at most 100000 pairs"),
        ("score_time", 10**400, "finite"),
        ("engine_version", "v" * 1_000_000, "text of 1 to 200"),
        ("meta", {"a": "x" * (tape_format.MAX_META_BYTES + 1)}, "longer than"),
    ],
)
def test_fields_of_a_tape(field: str, value: object, message: str) -> None:
    fields = json.loads(Tape.record(np.ones(3, np.uint8), engine="box2d").to_json())
    with at_most(64 * MEBIBYTE), pytest.raises(TapeError, match=message) as caught:
        Tape.from_json({**fields, field: value})
    assert len(str(caught.value)) < 1000


CONFIGURATIONS = [
    ("a: !!python/object/apply:os.mkdir ['{canary}']", "could not determine a constructor"),
    ("a: !!python/name:os.system", "could not determine a constructor"),
    ("a: [1", "while parsing"),
    ("[1, 2]", "must be a mapping"),
    ("a: 1\na: 2", "duplicate key"),
    ("a: " + "[" * 60 + "]" * 60, "nested deeper than 50"),
    ("a: " + "[" * 5000, "nested deeper than 50"),
    ("a: !!timestamp 2001-99-99", "month"),
    ("x" * (2**20 + 1), "longer than 1048576 bytes"),
    (
        "a0: &a0 [1, 1]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)),
        "more than 100000 values",
    ),
]


@pytest.mark.parametrize(("text", "message"), CONFIGURATIONS)
def test_configuration(text: str, message: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "parameters.yml"
    path.write_text(text.replace("{canary}", str(canary)))
    with at_most(32 * MEBIBYTE), pytest.raises(BadInputError, match=message) as caught:
        check_file(path)
    assert caught.value.message.startswith(str(path))
    assert not canary.exists()


def test_configuration_that_refers_to_nothing(tmp_path: Path) -> None:
    for name in ("base", "local"):
        (tmp_path / name).mkdir()
    (tmp_path / "base/parameters.yml").write_text("a: ${b.c}")
    loader = OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="local")
    with pytest.raises(BadInputError, match=r"parameters: no usable configuration: .*'b\.c'"):
        check_files(loader, ["guest"])


def test_configuration_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "parameters.yml"
    path.write_bytes(b"a: \xff\xfe")
    with pytest.raises(BadInputError, match="can't decode"):
        check_file(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "pickle.PickleDataset", "filepath": "x.pkl"},
        {"type": "kedro_datasets.pickle.PickleDataset", "filepath": "x.pkl"},
        {"type": "partitions.PartitionedDataset", "path": "x", "dataset": "pickle.PickleDataset"},
        {
            "type": "partitions.PartitionedDataset",
            "path": "x",
            "dataset": {"type": "pickle.PickleDataset"},
        },
        {"type": "subprocess.Popen"},
    ],
)
def test_catalogs_name_no_type_that_executes(entry: dict[str, Any], tmp_path: Path) -> None:
    for name, content in (("base/catalog.yml", {"guest": entry}), ("local/catalog.yml", {})):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(json.dumps(content))
    loader = OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="local")
    with pytest.raises(BadInputError, match=r"guest is of type '.*', which may execute"):
        check_files(loader, ["guest"])


def test_array_headers_of_the_first_version_are_read() -> None:
    # The limit on versions is safe only as long as numpy writes the first one by itself.
    file = io.BytesIO()
    npy_format.write_array(file, np.zeros((2, 3), np.float32))
    assert file.getvalue()[6:8] == b"\x01\x00"
