"""Checks of configuration files that may come from strangers, before anything follows them."""

import io
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from kedro.config import AbstractConfigLoader, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from qwop_wr.errors import BadInputError
from qwop_wr.hooks.configuration_settings import (
    check_catalog,
    check_credentials,
    check_globals,
    check_logging,
    check_mlflow,
)

MAX_BYTES: Final = 2**20
"""Largest file that is read [bytes]; the project's own have 3 KB."""
MAX_NODES: Final = 100_000
"""Most values that a file may hold once its aliases are written out: nine lines of aliases of
aliases make a thousand million."""
MAX_DEPTH: Final = 50
"""Deepest nesting of blocks; parsers call themselves for each."""

SAFE_TYPES: Final = (
    "MemoryDataset",
    "json.JSONDataset",
    "kedro_mlflow.io.metrics.MlflowMetricsHistoryDataset",
    "matplotlib.MatplotlibDataset",
    "pandas.CSVDataset",
    "pandas.ParquetDataset",
    "partitions.PartitionedDataset",
    "plotly.JSONDataset",
    "text.TextDataset",
)
"""Types of datasets that the catalog may name, beside those of ``qwop_wr``: none of them
executes what it loads. Kedro imports whatever is named, and some types unpickle."""

_OWN_TYPES: Final = "qwop_wr."
_SUFFIXES: Final = (".yml", ".yaml", ".json")
_KINDS: Final = ("catalog", "credentials", "globals", "mlflow", "parameters")
"""Beginnings of the names of files or folders that are read."""


def check_files(loader: AbstractConfigLoader, datasets: Collection[str]) -> None:
    """Make sure that the configuration can be read, and that reading it is all that happens.

    Every file must be of a kind that something reads, and every name in them must be one
    that something asks for; parameters are left to their types.

    Args:
        loader: The session's loader.
        datasets: Names of the pipelines' datasets and parameters.

    Raises:
        BadInputError: Naming the file, or the entry of the catalog.
    """
    source = Path(loader.conf_source)
    environments = {getattr(loader, "base_env", None), loader.env or _default_environment(loader)}
    texts = []
    for environment in sorted(name for name in environments if name):
        for path in sorted((source / environment).rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                _check_name(path.relative_to(source / environment), path)
                texts.append(check_file(path))
    _resolved(loader, "parameters")
    catalog = _resolved(loader, "catalog")
    _check_types(catalog)
    check_catalog(catalog, datasets)
    mlflow = _resolved(loader, "mlflow")
    check_mlflow(mlflow)
    check_credentials({**catalog, "mlflow": mlflow}, _resolved(loader, "credentials"))
    check_globals(_resolved(loader, "globals"), texts)
    check_logging(source / "logging.yml")


def _check_name(inner: Path, path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise BadInputError(
            f"{path}: Kedro does not read it; its name must end in one of {', '.join(_SUFFIXES)}"
        )
    if inner.parts[0].startswith("globals") and inner.as_posix() != "globals.yml":
        raise BadInputError(f"{path}: nothing reads it; globals belong in globals.yml")
    if not any(part.startswith(_KINDS) for part in (inner.parts[0], inner.name)):
        stem, suffix = inner.stem, inner.suffix
        kind, *rest = stem.split("_", 1)
        meant = next(iter(get_close_matches(kind, _KINDS, 1)), None)
        hint = (
            f"did you mean {'_'.join([meant, *rest])}{suffix}?"
            if meant
            else f"files are called {', '.join(f'{one}*' for one in _KINDS)}"
        )
        raise BadInputError(f"{path}: nothing reads a file of this name; {hint}")


def _check_types(catalog: Mapping[str, Any]) -> None:
    for name, entry in catalog.items():
        for type_ in _types(entry):
            plain = type_.removeprefix("kedro_datasets.").removeprefix("kedro.io.")
            if plain not in SAFE_TYPES and not plain.startswith(_OWN_TYPES):
                if close := get_close_matches(plain, SAFE_TYPES, n=1, cutoff=0.8):
                    raise BadInputError(
                        f"catalog: {name}.type = {type_!r}: there is no such type that is known "
                        f"to execute nothing; did you mean {close[0]!r}?"
                    )
                raise BadInputError(
                    f"catalog: {name} is of type {type_!r}, which may execute what it loads; "
                    f"use one of {', '.join(SAFE_TYPES)} or {_OWN_TYPES}*, or add it to "
                    f"SAFE_TYPES in {__name__}"
                )


def check_file(path: Path) -> str:
    """Make sure that a file is a mapping in plain YAML or JSON of reasonable size.

    Args:
        path: The file.

    Returns:
        Its text.

    Raises:
        BadInputError: If it is anything else; names it.
    """
    try:
        if not path.is_file():
            raise ValueError("it is no ordinary file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES} bytes, the most that is read")
        text = content.decode()
        _check_expansion(text)
        if not isinstance(OmegaConf.load(io.StringIO(text)), DictConfig):
            raise ValueError("it must be a mapping of names to values")
    except Exception as error:
        # Of the file's making: OmegaConf and PyYAML raise errors of many kinds.
        raise BadInputError(f"{path}: no usable configuration: {error}") from error
    return text


def _check_expansion(text: str) -> None:
    """Count what the text's aliases stand for, without writing them out."""
    sizes: dict[str, int] = {}
    anchors: list[str | None] = []
    counts = [0]
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            counts[-1] += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            counts[-1] += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            anchors.append(event.anchor)
            counts.append(1)
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = counts.pop(), anchors.pop()
            counts[-1] += size
            if anchor:
                sizes[anchor] = size
        if len(anchors) > MAX_DEPTH:
            raise ValueError(f"its blocks are nested deeper than {MAX_DEPTH}")
        if counts[-1] > MAX_NODES:
            raise ValueError(f"it holds more than {MAX_NODES} values, aliases written out")


def _resolved(loader: AbstractConfigLoader, key: str) -> dict[str, Any]:
    """Put the files of one kind together; what they refer to may not be there."""
    try:
        found: dict[str, Any] = loader[key]
    except (MissingConfigException, KeyError):  # no files, or a loader that knows no such kind
        return {}
    except (OmegaConfBaseException, ValueError) as error:  # such as a key in two files
        raise BadInputError(f"{key}: no usable configuration: {error}") from error
    return found


def _default_environment(loader: AbstractConfigLoader) -> str | None:
    return getattr(loader, "default_run_env", None)


def _types(entry: object) -> Iterator[str]:
    """The types that an entry of the catalog names, those of datasets within it included."""
    if not isinstance(entry, Mapping):
        return
    if "type" in entry:
        yield str(entry["type"])
    for key, value in entry.items():
        if key == "dataset" and isinstance(value, str):
            yield value
        elif key != "metadata":
            yield from _types(value)


__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "SAFE_TYPES", "check_file", "check_files"]
