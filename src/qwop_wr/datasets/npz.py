"""Arrays in npz files, read without pickle and measured before memory is taken."""

import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

Array = NDArray[Any]

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    size: int
    """Length of the header [bytes]."""

    @property
    def array_size(self) -> int:
        """Memory that the array takes [bytes]."""
        return math.prod(self.shape) * self.dtype.itemsize


def write_arrays(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write arrays as an npz archive; equal arrays give equal bytes.

    Args:
        file: Binary file to write to.
        arrays: Arrays by name.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
            with archive.open(member, "w", force_zip64=True) as stream:
                npy_format.write_array(stream, np.asanyarray(array), allow_pickle=False)


def read_arrays(file: IO[bytes], names: tuple[str, ...], max_bytes: int) -> dict[str, Array]:
    """Read the named arrays of an npz archive.

    Args:
        file: Seekable binary file.
        names: Arrays that the archive must hold, and no others.
        max_bytes: Most memory that all arrays together may take.

    Returns:
        Arrays by name.

    Raises:
        ValueError: If the archive is damaged, lacks an array, holds one more, or
            is too big.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive, names)
            headers = {name: _read_header(archive, name, members[name]) for name in names}
            needed = sum(header.array_size for header in headers.values())
            if needed > max_bytes:
                raise ValueError(f"its arrays need {needed} bytes, the limit is {max_bytes}")
            return {
                name: _read_array(archive, name, members[name], headers[name]) for name in names
            }
    except _DAMAGES as error:
        raise ValueError(f"it is truncated or damaged ({error})") from error


def _members(archive: zipfile.ZipFile, names: tuple[str, ...]) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if missing := [name for name in names if name not in members]:
        raise ValueError(f"it lacks the array {missing[0]!r}")
    if len(infos) != len(names):
        raise ValueError(f"it must hold {len(names)} arrays ({', '.join(names)}), not {len(infos)}")
    if any(info.compress_type not in _COMPRESSIONS for info in infos):
        raise ValueError("it is compressed in a way that npz files are not")
    return members


def _read_header(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> _Header:
    with archive.open(member) as stream:
        try:
            version = npy_format.read_magic(stream)
            if version == (1, 0):
                shape, is_fortran, dtype = npy_format.read_array_header_1_0(stream)
            elif version == (2, 0):
                shape, is_fortran, dtype = npy_format.read_array_header_2_0(stream)
            else:
                raise ValueError(f"its format version is {version}, expected (1, 0)")
        except ValueError as error:
            raise ValueError(f"the array {name!r} has no readable header ({error})") from error
        header = _Header(shape, is_fortran, dtype, stream.tell())
    if dtype.hasobject:
        raise ValueError(f"the array {name!r} holds Python objects, which are never loaded")
    if any(length < 0 for length in shape) or header.size + header.array_size != member.file_size:
        raise ValueError(f"the array {name!r} of shape {shape} does not fill its place")
    return header


def _read_array(
    archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, header: _Header
) -> Array:
    with archive.open(member) as stream:
        stream.read(header.size)
        # Reading on to the end makes zipfile compare the checksum.
        data = stream.read(header.array_size) + stream.read(1)
    if len(data) != header.array_size:
        raise ValueError(f"the array {name!r} is cut off after {len(data)} bytes")
    flat = np.frombuffer(data, dtype=header.dtype)
    array = flat.reshape(header.shape, order="F" if header.is_fortran else "C")
    return array.copy(order="C")
