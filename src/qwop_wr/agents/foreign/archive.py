"""The zip archives of Stable-Baselines3: weights and plain facts, nothing unpickled.

``data`` is JSON. What JSON cannot hold is in it both as pickled text, which is ignored, and
as a description in words, which is read. ``policy.pth`` is a state dictionary in torch's zip
format, read with ``weights_only``, which builds nothing but tensors. The sizes of both are
checked before memory is taken.
"""

import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue

SUFFIX: Final = ".zip"

MAX_BYTES: Final = 2**28
"""Largest archive, largest weights in it and largest weights in memory [bytes]."""

_MAX_FACTS_BYTES: Final = 2**24
_MAX_MEMBERS: Final = 64
_MAX_TENSORS: Final = 256
_WEIGHTS: Final = "policy.pth"
_FACTS: Final = "data"
_VERSION: Final = "_stable_baselines3_version"
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 1
_ZIP_MAGIC: Final = b"PK\x03\x04"
_TRUNCATED: Final = (
    "it is truncated: a zip archive without the list of files that belongs at its end"
)
_MAGICS: Final[Mapping[bytes, str]] = {
    b"\x80": "a pickle, which executes what it loads and is not read; save with model.save()",
    b"\x89HDF": "an HDF5 file, as Keras saves networks, which is not read",
    b"\x1f\x8b": "a gzip file: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"Rar!": "a rar archive: unpack it first",
    b"\x93NUMPY": "a NumPy array; recordings are .npz files",
    b"RUNR": "a RUNR recording: name it .bin",
    b"seed=": "a qwop-gym recording: name it .rec",
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file itself with git lfs pull",
    b"<": "a page of a web server: download the file itself",
}
"""Formats of files that are named .zip, by their first bytes."""
_COMPILED: Final = "_orig_mod."
"""What torch.compile adds to the names of a module's weights."""
_CLASS: Final = re.compile(r"<class '(?:\w+\.)*(\w+)'>")
_SHAPE: Final = re.compile(r"[\[(]\s*(\d{1,6})\s*,?\s*[\])]")


class SavedModel(NamedTuple):
    """Contents of an archive.

    Attributes:
        weights: Tensors of the policy by SB3's names.
        activation: Name of the non-linearity's class, if it is not the algorithm's own.
        n_observations: Numbers in an observation, if the file says so; likewise
            ``n_actions`` and, of a QR-DQN, ``n_quantiles``.
        facts: SB3's version and steps.
    """

    weights: Mapping[str, NDArray[np.float32]]
    activation: str | None
    n_observations: int | None
    n_actions: int | None
    n_quantiles: int | None
    facts: Mapping[str, JsonValue]


def read_archive(content: bytes) -> SavedModel:
    """Reads an archive of at most :data:`MAX_BYTES`.

    Raises:
        ValueError: If it is damaged, too big, no such archive, or more than weights.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive)
            if _WEIGHTS not in members:
                if _first_name(content) not in (None, *members):
                    # What was found is the list of an archive within the archive.
                    raise ValueError(_TRUNCATED)
                raise ValueError(_what_it_is(set(members)))
            weights = _read(archive, members[_WEIGHTS], MAX_BYTES)
            text = _read(archive, members[_FACTS], _MAX_FACTS_BYTES) if _FACTS in members else b""
            version = _read(archive, members[_VERSION], 100) if _VERSION in members else b""
    except ValueError:
        raise
    except zipfile.BadZipFile as error:
        raise ValueError(_what_else(content) or f"it is truncated or damaged ({error})") from error
    except Exception as error:  # zipfile and zlib raise many kinds on hostile bytes
        raise ValueError(f"it is truncated or damaged ({error})") from error
    data = _parse(text)
    steps = data.get("num_timesteps")
    return SavedModel(
        weights=_tensors(weights),
        activation=_activation(data),
        n_observations=_number(_described(data, "observation_space").get("_shape")),
        n_actions=_number(_described(data, "action_space").get("n")),
        n_quantiles=_number(data.get("n_quantiles")),
        facts={
            "stable_baselines3": version.decode(errors="replace").strip() or None,
            "steps": steps if isinstance(steps, int) else None,
        },
    )


def _what_it_is(names: set[str]) -> str:
    """Says what an archive without an agent's weights is, and what would work."""
    inner = {PurePosixPath(name).name for name in names}
    folders = [PurePosixPath(name).parent for name in names if name.endswith(f"/{_WEIGHTS}")]
    archives = sorted(name for name in names if name.lower().endswith(SUFFIX))
    top = sorted({PurePosixPath(name).parts[0] for name in names if PurePosixPath(name).parts})
    is_compiled = "constants.pkl" in inner or any("/code/" in f"/{name}" for name in names)
    is_second = "parameter_list" in inner or {"data", "parameters"} <= inner
    kinds = {
        "it is a compiled policy (TorchScript), which is code and is not run; save the model "
        "itself with model.save()": is_compiled,
        "it is a bare torch file, such as policy.save() or torch.save() writes, without the "
        "facts of the agent; save the whole model with model.save()": "data.pkl" in inner,
        "it is an agent of Stable-Baselines 2, whose TensorFlow networks are not read; train "
        "it again with Stable-Baselines3, or import its runs as recordings (.rec)": is_second,
        f"it was packed again, with its files in the folder {str(next(iter(folders), ''))!r}: "
        "pack them without the folder": bool(folders),
        f"it holds another archive, {next(iter(archives), '')!r}: unpack it and import that "
        "one": bool(archives),
        f"it is an agent of Stable-Baselines3 but holds no {_WEIGHTS}: save it again with "
        "model.save()": bool(inner & {"policy.optimizer.pth", _VERSION}),
        "it is an archive of NumPy arrays; recordings are called .npz": bool(names)
        and all(name.endswith(".npy") for name in names),
    }
    other = (
        f"it holds {', '.join(top[:3]) or 'nothing'} and no {_WEIGHTS}: it is no agent of "
        "Stable-Baselines3, whose model.save() writes one"
    )
    return next((words for words, is_it in kinds.items() if is_it), other)


def _what_else(content: bytes) -> str | None:
    """Says what a file is that is no zip archive, by its first bytes."""
    for magic, words in _MAGICS.items():
        if content.startswith(magic):
            return f"it is no zip archive but {words}"
    if content.startswith(_ZIP_MAGIC):
        return _TRUNCATED
    return None


def _first_name(content: bytes) -> str | None:
    """Returns the name of the first file in a zip archive."""
    if not content.startswith(_ZIP_MAGIC):
        return None
    length = int.from_bytes(content[26:28], "little")
    return content[30 : 30 + length].decode(errors="replace")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise ValueError(f"it holds {len(infos)} files, at most {_MAX_MEMBERS} are read")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        path = PurePosixPath(info.filename)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"it holds a file that leads out of it: {info.filename!r}")
        if info.filename in members:
            raise ValueError(f"it holds {info.filename!r} twice")
        members[info.filename] = info
    return members


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _COMPRESSIONS:
        raise ValueError(f"its {member.filename!r} is encrypted or compressed in an unusual way")
    if member.file_size > limit:
        raise ValueError(
            f"its {member.filename!r} has {member.file_size} bytes, the limit is {limit}"
        )
    with archive.open(member) as file:
        # One byte more makes zipfile compare the checksum.
        content = file.read(member.file_size) + file.read(1)
    if len(content) != member.file_size:
        raise ValueError(f"its {member.filename!r} is cut off")
    return content


def _parse(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text or b"{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {_FACTS!r} is not JSON ({error})") from error
    if not isinstance(data, dict):
        raise ValueError(f"its {_FACTS!r} is not a JSON object")
    return data


def _described(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    described = data.get(name)
    return described if isinstance(described, dict) else {}


def _activation(data: Mapping[str, Any]) -> str | None:
    text = _described(data, "policy_kwargs").get("activation_fn")
    if text is None:
        return None
    match = _CLASS.fullmatch(text) if isinstance(text, str) else None
    return match[1] if match else str(text)[:60]


def _number(value: object) -> int | None:
    """Returns a whole number above 0, given as number, text or shape of one dimension."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        match = _SHAPE.fullmatch(value)
        digits = match[1] if match else value
        value = int(digits) if digits.isdecimal() and len(digits) <= 6 else None
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_number else None  # type: ignore[return-value]


def _tensors(content: bytes) -> dict[str, NDArray[np.float32]]:
    _check_torch_archive(content)
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # the restricted unpickler raises whatever the bytes lead to
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"its {_WEIGHTS} holds something else than weights, or is damaged, and was not "
            f"loaded ({reason[:120]})"
        ) from error
    if not isinstance(state, Mapping) or len(state) > _MAX_TENSORS:
        raise ValueError(f"its {_WEIGHTS} is not a state dictionary of a small network")
    plain = all(
        isinstance(name, str)
        and isinstance(tensor, torch.Tensor)
        and tensor.layout == torch.strided
        and tensor.is_floating_point()
        for name, tensor in state.items()
    )
    if not plain:
        raise ValueError(f"its {_WEIGHTS} holds something else than tensors of numbers by name")
    # A tensor may repeat a small storage many times over.
    needed = sum(4 * math.prod(tensor.shape) for tensor in state.values())
    if needed > MAX_BYTES:
        raise ValueError(f"its weights need {needed} bytes, the limit is {MAX_BYTES}")
    return {
        name.replace(_COMPILED, ""): tensor.detach().float().numpy()
        for name, tensor in state.items()
    }


def _check_torch_archive(content: bytes) -> None:
    """Checks that torch will not take more memory than the file has bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
    except Exception as error:  # as above
        raise ValueError(f"its {_WEIGHTS} is damaged or not in torch's zip format") from error
    stored = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
    if not stored or sum(info.file_size for info in infos) > len(content):
        raise ValueError(f"its {_WEIGHTS} is compressed, which torch never does")
