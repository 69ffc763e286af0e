"""Arrays in npz files, read without pickle and measured before memory is taken."""

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tokenize import TokenError
from typing import IO, Any, Literal, NamedTuple, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

Array = NDArray[Any]

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FORMAT_VERSION = (1, 0)
"""Of npy. Its headers have 64 KiB at most; those of later versions may have 4 GiB, which numpy
takes into memory before it looks at them."""
_KINDS = "biufU"
"""Numbers and texts only: the sizes of records and nested arrays cannot be bounded."""
_MAX_DIRECTORY_BYTES = 2**17
"""Most that is read at once while the archive's directory is parsed, room for 1,000 arrays:
an entry of 50 bytes takes ten times as much memory. The end of an archive, with its longest
comment, is half as long."""
_CHUNK = 2**20
"""Bytes unpacked at a time, so that no array is in memory twice."""
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)
_BAD_HEADERS = (ValueError, TypeError, SyntaxError, TokenError, MemoryError, RecursionError)
"""Errors of numpy on a header that is no literal, or is nested too deeply."""


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
    """Writes arrays as an npz archive; equal arrays give equal bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
            with archive.open(member, "w", force_zip64=True) as stream:
                npy_format.write_array(stream, np.asanyarray(array), allow_pickle=False)


def read_arrays(file: IO[bytes], names: tuple[str, ...], max_bytes: int) -> dict[str, Array]:
    """Reads the named arrays of an npz archive.

    Args:
        file: Seekable binary file.
        names: Arrays that the archive must hold, and no others.
        max_bytes: Most memory that all arrays together may take.

    Raises:
        ValueError: If the archive is damaged, lacks an array, holds one more, or
            is too big.
    """
    try:
        with _opened(file) as archive:
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


class _SmallReads:
    """A file with a limit on the size of each read, whatever its headers claim.

    Args:
        file: Seekable binary file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.max_bytes: int | None = None

    def read(self, size: int = -1) -> bytes:
        """Reads from the file."""
        if self.max_bytes is not None and size > self.max_bytes:
            raise ValueError(f"its directory has {size} bytes, the limit is {self.max_bytes}")
        return self._file.read(size)

    def __getattr__(self, name: str) -> object:
        """Delegates everything else to the file."""
        return getattr(self._file, name)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Opens an archive; its directory, which may be as long as the file, is limited."""
    small = _SmallReads(file)
    small.max_bytes = _MAX_DIRECTORY_BYTES
    with zipfile.ZipFile(cast("IO[bytes]", small)) as archive:
        small.max_bytes = None
        yield archive


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
            if version != _FORMAT_VERSION:
                raise ValueError(f"its format version is {version}, expected {_FORMAT_VERSION}")
            shape, is_fortran, dtype = npy_format.read_array_header_1_0(stream)
        except _BAD_HEADERS as error:
            raise ValueError(f"the array {name!r} has no readable header ({error})") from error
        header = _Header(shape, is_fortran, dtype, stream.tell())
    if dtype.hasobject:
        raise ValueError(f"the array {name!r} holds Python objects, which are never loaded")
    if dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise ValueError(f"the array {name!r} holds {dtype!s}, which is neither number nor text")
    if any(length < 0 for length in shape) or header.size + header.array_size != member.file_size:
        raise ValueError(f"the array {name!r} of shape {shape} does not fill its place")
    return header


def _read_array(
    archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, header: _Header
) -> Array:
    order: Literal["F", "C"] = "F" if header.is_fortran else "C"
    array: Array = np.empty(header.shape, header.dtype, order=order)
    place = array.reshape(-1, order=order).view(np.uint8)  # (bytes,), the array's own
    filled = 0
    with archive.open(member) as stream:
        stream.read(header.size)
        while chunk := stream.read(_CHUNK):
            # Reading on to the end makes zipfile compare the checksum.
            place[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
            filled += len(chunk)
    if filled != header.array_size:
        raise ValueError(f"the array {name!r} is cut off after {filled} bytes")
    return np.asarray(array, order="C")
