"""Checks of configuration files, which may come from strangers, and of every setting in them.

A check raises :class:`BadInputError`, which names file and key, and says what is right.
"""

import inspect
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import pandas as pd
import yaml
from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.io.core import DatasetError, parse_dataset_definition
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset
from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from qwop_wr import datasets as own_datasets
from qwop_wr.errors import BadInputError, as_block, describe_validation_error, suggest

MAX_BYTES: Final = 2**20
"""Largest file that is read [bytes]; the project's own have 3 KB."""
MAX_NODES: Final = 100_000
"""Most values in a file once its aliases are expanded: nine lines of nested aliases make a
thousand million."""
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

_DATASET_KEYS: Final = ("type", "versioned", "validator")
"""Keys of an entry that Kedro reads itself; the others go to the dataset's class."""
_MLFLOW_KEYS: Final = ("artifact_path", "registered_model", "alias", "input", "resumes")
_METADATA_KEYS: Final = ("kedro-viz", "mlflow", "shared")
_OPEN_ARGUMENTS: Final = ("open_args_load", "open_args_save")
_LOGGING_KEYS: Final = (
    "version",
    "disable_existing_loggers",
    "formatters",
    "filters",
    "handlers",
    "incremental",
    "loggers",
    "root",
)
_LOGGER_KEYS: Final = ("level", "handlers", "filters", "propagate")
_ARGUMENTS: Final[Mapping[tuple[str, str], tuple[Callable[..., Any], ...]]] = {
    ("CSVDataset", "load_args"): (pd.read_csv,),
    ("CSVDataset", "save_args"): (pd.DataFrame.to_csv,),
    ("JSONDataset", "save_args"): (json.dump, json.JSONEncoder),
}
"""Functions that receive a dataset's arguments; they would refuse them only after the work."""
_IN_UTF8: Final = {TextDataset: "PageDataset", CSVDataset: "TableDataset"}
_BOOLEAN: Final = re.compile("true|false|yes|no|on|off", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
_GLOBAL: Final = re.compile(r"\$\{\s*globals:\s*([\w.-]+)")


def check_files(loader: AbstractConfigLoader, datasets: Collection[str]) -> None:
    """Check that the configuration can be read without executing anything.

    Every file must be of a kind that something reads, and every name in them must be one
    that something asks for; parameters are left to their types.

    Args:
        datasets: Names of the pipelines' datasets and parameters.
    """
    source = Path(loader.conf_source)
    default = getattr(loader, "default_run_env", None)
    environments = {getattr(loader, "base_env", None), loader.env or default}
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
    for (name, *path), value in _entries(catalog):
        is_type = path[-1:] == ["type"] or (path[-1:] == ["dataset"] and isinstance(value, str))
        if "metadata" in path or not is_type:
            continue
        plain = str(value).removeprefix("kedro_datasets.").removeprefix("kedro.io.")
        if plain in SAFE_TYPES or plain.startswith(_OWN_TYPES):
            continue
        if close := get_close_matches(plain, SAFE_TYPES, n=1, cutoff=0.8):
            raise BadInputError(
                f"catalog: {name}.type = {value!r}: there is no such type that is known "
                f"to execute nothing; did you mean {close[0]!r}?"
            )
        raise BadInputError(
            f"catalog: {name} is of type {value!r}, which may execute what it loads; "
            f"use one of {', '.join(SAFE_TYPES)} or {_OWN_TYPES}*, or add it to "
            f"SAFE_TYPES in {__name__}"
        )


def check_file(path: Path) -> str:
    """Check that a file is a mapping in plain YAML or JSON of reasonable size; return its text."""
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
        # OmegaConf and PyYAML raise errors of many kinds on hostile files.
        raise BadInputError(f"{path}: no usable configuration: {error}") from error
    return text


def _check_expansion(text: str) -> None:
    """Count the values with all aliases expanded, without expanding them."""
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
    """Merge the files of one kind; what they refer to may be missing."""
    try:
        found: dict[str, Any] = loader[key]
    except (MissingConfigException, KeyError):  # no files, or a loader that knows no such kind
        return {}
    except (OmegaConfBaseException, ValueError) as error:  # such as a key in two files
        raise BadInputError(f"{key}: no usable configuration: {error}") from error
    return found


def check_catalog(catalog: Mapping[str, Any], known: Collection[str]) -> None:
    """Check that every entry is a dataset of some pipeline, with known keys.

    Args:
        catalog: The entries, their types known to execute nothing.
        known: Names of the pipelines' datasets and parameters.
    """
    names = {name.split("@")[0] for name in known if not name.startswith(("params:", "parameters"))}
    for name, entry in catalog.items():
        if name.startswith("_"):
            continue  # Kedro leaves such entries to anchors.
        if "{" not in name and name.split("@")[0] not in names:
            raise BadInputError(f"catalog: {name}: {_no_such_dataset(name, entry, names)}")
        if not isinstance(entry, Mapping):
            raise BadInputError(f"catalog: {name} = {entry!r}: must be a block with a type")
        _check_entry(name, entry)


def check_credentials(catalog: Mapping[str, Any], credentials: Mapping[str, Any]) -> None:
    """Check that all credentials are used and all used ones exist, without telling what they are.

    Args:
        catalog: The entries, and what else may name credentials.
    """
    used = {
        value: path[0]
        for path, value in _entries(catalog)
        if path[-1] == "credentials" and isinstance(value, str) and "metadata" not in path
    }
    for name, entry in used.items():
        if name not in credentials:
            raise BadInputError(
                f"catalog: {entry}.credentials = {name!r}: credentials.yml has no such block; "
                f"{suggest(name, credentials)}"
            )
    for name in credentials:
        if name not in used:
            raise BadInputError(
                f"credentials: {name}: no entry of the catalog names them, nor mlflow.yml; "
                f"{suggest(name, used)}"
            )


def check_globals(values: Mapping[str, Any], texts: Iterable[str]) -> None:
    """Check that a file's text refers to every global."""
    used = {name.split(".")[0] for text in texts for name in _GLOBAL.findall(text)}
    for name in values:
        if name not in used and not str(name).startswith("_"):
            raise BadInputError(
                f"globals: {name} = {values[name]!r}: nothing refers to it; {suggest(name, used)}"
            )


def check_mlflow(config: Mapping[str, Any]) -> None:
    """Check that kedro-mlflow accepts what mlflow.yml says."""
    try:
        KedroMlflowConfig.model_validate(dict(config))
    except ValidationError as error:
        known = {".".join(path) for path, _ in _entries(KedroMlflowConfig().model_dump())}
        raise BadInputError(
            "mlflow: " + "; ".join(describe_validation_error(error, known=known))
        ) from error


def check_logging(path: Path) -> None:
    """Check that Python's logging knows every key of its configuration, if there is one."""
    if not path.is_file():
        return
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    _check_keys(f"{path}: ", content, _LOGGING_KEYS)
    for name, logger in [*(content.get("loggers") or {}).items(), ("root", content.get("root"))]:
        place = name if name == "root" else f"loggers.{name}"
        _check_keys(f"{path}: {place}.", logger or {}, _LOGGER_KEYS)


def _no_such_dataset(name: str, entry: object, known: Collection[str]) -> str:
    for dataset in known:
        if name.startswith(f"{dataset}."):
            block = as_block(name.removeprefix(f"{dataset}."), entry)
            return f"keys have no dots; write it as a block: {dataset}: {{{block}}}"
    return f"no pipeline has a dataset of this name; {suggest(name, known)}"


def _check_entry(name: str, entry: Mapping[str, Any]) -> None:
    if "type" not in entry:
        raise BadInputError(f"catalog: {name}.type is missing")
    place = f"catalog: {name}."
    try:
        # Kedro removes its own keys from its argument.
        kind, _ = parse_dataset_definition({"type": entry["type"]})
    except DatasetError as error:
        own = {f"qwop_wr.datasets.{one}" for one in own_datasets.__all__}
        if str(entry["type"]) not in own and str(entry["type"]).startswith("qwop_wr.datasets."):
            raise BadInputError(
                f"{place}type = {entry['type']!r}: there is no such type; "
                f"{suggest(str(entry['type']), own)}"
            ) from error
        return  # A library that is not installed matters to those who use the entry.
    _check_keys(place, entry, [*_DATASET_KEYS, *_names_of(kind)])
    if kind in _IN_UTF8:
        raise BadInputError(
            f"{place}type = {entry['type']!r}: writes in the encoding of the machine's locale; "
            f"use qwop_wr.datasets.{_IN_UTF8[kind]}, which is the same in UTF-8"
        )
    for key in ("load_args", "save_args"):
        for class_ in kind.__mro__:
            if takers := _ARGUMENTS.get((class_.__name__, key)):
                known = [one for taker in takers for one in _names_of(taker)]
                _check_keys(f"{place}{key}.", entry.get(key) or {}, known)
    _refuse_close(f"{place}fs_args.", entry.get("fs_args") or {}, _OPEN_ARGUMENTS)
    metadata = entry.get("metadata") or {}
    _refuse_close(f"{place}metadata.", metadata, _METADATA_KEYS)
    _check_keys(f"{place}metadata.mlflow.", metadata.get("mlflow") or {}, _MLFLOW_KEYS)
    _check_values(place, entry)
    if isinstance(inner := entry.get("dataset"), Mapping):
        _check_entry(f"{name}.dataset", inner)


def _check_values(place: str, entry: Mapping[str, Any]) -> None:
    """Refuse text that looks like a value: every text but the empty one counts as true."""
    for path, value in _entries(entry):
        in_arguments = any(part.endswith("_args") for part in path)
        if isinstance(value, str) and (
            _BOOLEAN.fullmatch(value) or (in_arguments and _NUMBER.fullmatch(value))
        ):
            key = ".".join(path)
            raise BadInputError(
                f"{place}{key} = {value!r}: this is text; without the quotes, or from an "
                "environment variable as ${oc.decode:${oc.env:NAME}}, it is a value"
            )


def _check_keys(place: str, block: object, known: Collection[str]) -> None:
    for key, value in _block(place, block).items():
        if key not in known:
            raise BadInputError(f"{place}{key}: {_no_such_key(str(key), value, known)}")


def _refuse_close(place: str, block: object, known: Collection[str]) -> None:
    """Refuse misspellings of the known keys; others may belong to plugins."""
    for key, value in _block(place, block).items():
        if key not in known and ("." in str(key) or get_close_matches(str(key), known, 1, 0.7)):
            raise BadInputError(f"{place}{key}: {_no_such_key(str(key), value, known)}")


def _block(place: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInputError(f"{place.rstrip('.')} = {value!r}: must be a block")
    return value


def _no_such_key(key: str, value: object, known: Collection[str]) -> str:
    if "." in key and key.split(".", maxsplit=1)[0] in known:
        return f"keys have no dots; write it as a block: {as_block(key, value)}"
    return f"there is no such key; {suggest(key, known)}"


def _names_of(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]


def _entries(block: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key of nested blocks, as a path, and its value."""
    for name, value in block.items():
        yield (str(name),), value
        if isinstance(value, Mapping):
            yield from (((str(name), *path), inner) for path, inner in _entries(value))
