"""Damage to files: what bit rot, cut transfers and hostile hands make of them."""

import io
import json
import os
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

Bytes = Callable[[bytes, Sequence["Mutation"]], bytes]


class Mutation(NamedTuple):
    """One change.

    Attributes:
        kind: Name of the change, one of :data:`KINDS`.
        where: Place in the file, as a fraction of its length.
        payload: Foreign bytes.
    """

    kind: str
    where: float
    payload: bytes


class _Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self._path,)


def hostile_payloads(canary: Path) -> tuple[bytes, ...]:
    """Bytes that have broken readers of some kind before.

    Args:
        canary: Folder that is made if one of them is executed.

    Returns:
        The payloads.
    """
    pickled = pickle.dumps(_Canary(canary), protocol=2)
    objects = io.BytesIO()
    np.save(objects, np.array([_Canary(canary)], dtype=object), allow_pickle=True)
    return (
        pickled,
        objects.getvalue(),
        f"!!python/object/apply:os.mkdir ['{canary}']".encode(),
        f"__import__('os').mkdir('{canary}')".encode(),
        b"\x00" * 8,
        b"\xff" * 8,
        struct.pack("<Q", 2**63),
        struct.pack("<I", 2**31 - 1),
        b"9" * 5000,
        b"-1",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"null",
        b"true",
        b'"',
        b"[" * 3000,
        b'{"a":' * 2000,
        b"(" * 2000,
        b"\xed\xa0\x80",
        b"\\ud800",
        b"../../../../tmp/x",
        b"/dev/zero",
        b"'|O'",
        b"'<f8'",
        b"(1000000000000,)",
        b"[0, 18446744073709551615]",
        b"PK\x05\x06",
        b"&a [*a, *a]",
        b"${a}",
        b"\r\n",
        b"",
    )


def mutate(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Change the bytes of a file, one mutation after the other."""
    for mutation in mutations:
        place = int(mutation.where * len(content))
        content = KINDS[mutation.kind](content, place, mutation.payload)
    return content


def mutate_members(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Change a member of a zip archive, whose directory and checksums fit again."""
    if not mutations:
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    names = list(members)
    chosen = names[int(mutations[0].where * len(names)) % len(names)]
    members[chosen] = mutate(members[chosen], mutations[1:] or mutations)
    packed = io.BytesIO()
    compression = zipfile.ZIP_DEFLATED if len(mutations) % 2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return packed.getvalue()


def mutate_tensors(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Change the header of a safetensors file, whose length fits again."""
    (length,) = struct.unpack_from("<Q", content)
    header, body = content[8 : 8 + length], content[8 + length :]
    if len(mutations) % 2:
        header = mutate(header, mutations)
    else:
        header = _mutate_description(header, mutations)
    return struct.pack("<Q", len(header)) + header + body


def mutate_keys(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Change the keys of a RUNR file, whose checksum fits again."""
    head, packed = bytearray(content[:14]), mutate(content[14:], mutations)
    struct.pack_into("<I", head, 10, zlib.crc32(packed))
    return bytes(head) + packed


def _mutate_description(header: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Change the JSON text within the JSON text."""
    parsed = json.loads(header)
    key = next(iter(parsed["__metadata__"]))
    inner = mutate(parsed["__metadata__"][key].encode(), mutations)
    parsed["__metadata__"][key] = inner.decode(errors="replace")
    return json.dumps(parsed).encode()


def _flip(content: bytes, place: int, payload: bytes) -> bytes:
    if not content:
        return content
    place = min(place, len(content) - 1)
    bit = 1 << (payload[0] % 8 if payload else 0)
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def _number(content: bytes, place: int, payload: bytes) -> bytes:
    """Put the payload in the place of the next number."""
    found = re.compile(rb"-?[0-9]+(\.[0-9]+)?").search(content, place)
    return content[: found.start()] + payload + content[found.end() :] if found else content


def _text(content: bytes, place: int, payload: bytes) -> bytes:
    """Put the payload in the place of the next text in quotation marks."""
    found = re.compile(rb"\"[^\"]*\"").search(content, place)
    return content[: found.start()] + payload + content[found.end() :] if found else content


KINDS: dict[str, Callable[[bytes, int, bytes], bytes]] = {
    "flip": _flip,
    "cut": lambda content, place, _: content[:place],
    "insert": lambda content, place, payload: content[:place] + payload + content[place:],
    "overwrite": lambda content, place, payload: (
        content[:place] + payload + content[place + len(payload) :]
    ),
    "drop": lambda content, place, payload: content[:place] + content[place + 1 + len(payload) :],
    "repeat": lambda content, place, payload: content[: place + 64] + content[place:],
    "number": _number,
    "text": _text,
}
"""Changes by name."""
