"""safetensors files with a JSON description in their header."""

import json
from collections.abc import Mapping
from typing import IO, Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 2**20


def write_tensors(
    file: IO[bytes], key: str, description: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Write tensors and their description; equal data give equal bytes.

    Args:
        file: Binary file to write to.
        key: Name of the description in the header. There is one entry only: safetensors
            writes several in an order that changes from run to run.
        description: JSON object.
        tensors: Arrays by name.
    """
    text = json.dumps(description, sort_keys=True)
    file.write(format_tensors(dict(tensors), metadata={key: text}))


def read_description(file: IO[bytes], key: str, names: set[str]) -> dict[str, Any]:
    """Read what a file's header says about its tensors, without reading them.

    Args:
        file: Binary file at its beginning.
        key: Name of the description in the header.
        names: Keys that the description must have, and no others.

    Returns:
        The description.

    Raises:
        ValueError: If the file is no such file.
    """
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if not 0 < length <= _MAX_HEADER_BYTES:
        raise ValueError("it is not a safetensors file with a header of reasonable size")
    header = json.loads(file.read(length))
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or key not in metadata:
        raise ValueError(f"it is a safetensors file without {key!r} in its metadata")
    description = json.loads(metadata[key])
    if not isinstance(description, dict) or description.keys() != names:
        raise ValueError(f"its description must have the keys {', '.join(sorted(names))}")
    return description


def parse_content(content: bytes) -> dict[str, NDArray[Any]]:
    """Read all tensors of a file.

    Args:
        content: The whole file.

    Returns:
        Arrays by name.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        return parse_tensors(content)
    except SafetensorError as error:
        raise ValueError(f"it is truncated or damaged ({error})") from error
