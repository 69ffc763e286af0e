"""Npz archives are read without pickle and measured before memory is taken."""

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy_format

from qwop_wr.datasets.npz import read_arrays, write_arrays

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array("text")}
NAMES = ("a", "b")
LIMIT = 10_000


def archive(arrays: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    write_arrays(file, arrays)
    return file.getvalue()


def read(content: bytes, limit: int = LIMIT) -> dict[str, Any]:
    return read_arrays(io.BytesIO(content), NAMES, limit)


def npy(shape: tuple[int, ...], data: bytes, descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(file, header)
    return file.getvalue() + data


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)
    return file.getvalue()


def test_round_trip() -> None:
    loaded = read(archive(ARRAYS))
    assert loaded.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(loaded["a"], ARRAYS["a"])
    assert loaded["a"].dtype == np.float32
    assert loaded["b"] == "text"


def test_numpy_reads_what_is_written() -> None:
    with np.load(io.BytesIO(archive(ARRAYS)), allow_pickle=False) as loaded:
        np.testing.assert_array_equal(loaded["a"], ARRAYS["a"])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(save: Callable[..., None]) -> None:
    file = io.BytesIO()
    save(file, a=np.asfortranarray(ARRAYS["a"]), b=ARRAYS["b"])
    loaded = read(file.getvalue())["a"]
    np.testing.assert_array_equal(loaded, ARRAYS["a"])
    assert loaded.flags.c_contiguous


def test_equal_arrays_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = archive(ARRAYS)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert archive(ARRAYS) == first


def test_limit_counts_all_arrays() -> None:
    content = archive(ARRAYS)
    needed = ARRAYS["a"].nbytes + ARRAYS["b"].nbytes
    read(content, needed)
    with pytest.raises(ValueError, match=f"need {needed} bytes, the limit is {needed - 1}"):
        read(content, needed - 1)


def test_compressed_bomb_is_measured_first() -> None:
    bomb = zipped({"a": npy((2**22,), bytes(2**24)), "b": npy((1,), b"1234")}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**17
    with pytest.raises(ValueError, match="the limit is 10000"):
        read(bomb)


def test_bomb_that_lies_about_its_size() -> None:
    content = zipped(
        {"a": npy((2**22,), bytes(2**24)), "b": npy((1,), b"1234")}, zipfile.ZIP_DEFLATED
    )
    honest, lie = npy((2**22,), b""), npy((2,), b"")
    size = (len(honest) + 2**24).to_bytes(4, "little")
    assert content.count(size) == 2
    lying = content.replace(size, (len(lie) + 8).to_bytes(4, "little"))
    with pytest.raises(ValueError, match=r"does not fill its place|damaged"):
        read(lying)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a": npy((1,), b"1234")}, "lacks the array 'b'"),
        ({name: npy((1,), b"1234") for name in "abc"}, r"must hold 2 arrays \(a, b\), not 3"),
        ({"a": b"not npy", "b": npy((1,), b"1234")}, "'a' has no readable header"),
        ({"a": npy((3,), b"1234"), "b": npy((1,), b"1234")}, "'a' of shape .* does not fill"),
    ],
)
def test_wrong_content_is_named(members: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(zipped(members))


def test_other_compressions_are_refused() -> None:
    members = {name: npy((1,), b"1234") for name in NAMES}
    with pytest.raises(ValueError, match="compressed in a way"):
        read(zipped(members, zipfile.ZIP_LZMA))


@pytest.mark.parametrize("length", [0, 10, 100, -30])
def test_truncation_is_told(length: int) -> None:
    with pytest.raises(ValueError, match="truncated or damaged"):
        read(archive(ARRAYS)[:length])


def test_flipped_bit_is_told() -> None:
    content = bytearray(archive(ARRAYS))
    position = content.find(ARRAYS["a"].tobytes()) + 5
    content[position] ^= 1
    with pytest.raises(ValueError, match=r"damaged .*CRC"):
        read(bytes(content))
