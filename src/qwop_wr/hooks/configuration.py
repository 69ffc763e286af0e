"""Checks of the configuration before anything runs."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel, PydanticUserError, RootModel, TypeAdapter, ValidationError

from qwop_wr.errors import BadInputError, as_block, describe_validation_error, suggest
from qwop_wr.hooks.configuration_files import check_files

_PREFIX = "params:"
_MAX_PROBLEMS = 3


class ConfigurationCheckHook:
    """Rejects environments, files and settings that no pipeline can use.

    File sizes are checked before parsing, and the catalog may only name dataset types that
    execute nothing. Kedro ignores an unknown environment and unknown or dotted
    keys, and converts parameters only where they are models. Here every setting must be read
    by something, every parameter must fit the annotation of the argument it goes to, and
    nodes receive what the check made of it: ``"7"`` from an environment variable is the
    number 7.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check environment, files and parameters; put converted parameters into the loader.

        Raises:
            BadInputError: Naming the keys, their values and what would be right.
        """
        loader = context.config_loader
        _check_environment(loader)
        registered = list(pipelines.values())
        check_files(loader, {name for one in registered for name in one.datasets()})
        annotations = _parameter_annotations(registered)
        parameters = loader["parameters"]
        problems = find_problems(parameters, annotations)
        if problems:
            n_more = len(problems) - _MAX_PROBLEMS
            more = [f"and {n_more} more"] if n_more > 0 else []
            raise BadInputError("parameters: " + "; ".join([*problems[:_MAX_PROBLEMS], *more]))
        # Kedro's way to override values from files.
        loader["parameters"] = converted(parameters, annotations)


def find_problems(parameters: Mapping[str, Any], annotations: Mapping[str, Any]) -> list[str]:
    """Compare parameters with what the pipelines read; one line per problem.

    Args:
        annotations: Types by dotted key; ``Any`` where nothing is known.
    """
    known = set(annotations)
    for key, annotation in annotations.items():
        fields = _model_keys(annotation, _lookup(parameters, key))
        known.update(f"{key}.{field}" for field in fields)
    parameters, problems = _without_dotted_keys(parameters, annotations, known)
    problems += [
        f"{key} = {value!r}: {_why_unread(key, known)}"
        for key, value in _leaves(parameters)
        if not any(key == read or key.startswith(f"{read}.") for read in annotations)
    ]
    for key, annotation in annotations.items():
        value, adapter = _lookup(parameters, key), _adapter(annotation)
        if value is _MISSING or adapter is None:
            continue
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            problems += describe_validation_error(error, key, known)
    return problems


def converted(parameters: Mapping[str, Any], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Convert parameters without problems to the types that the pipelines annotate.

    Args:
        annotations: Types by dotted key.

    Returns:
        The same keys; models stay nested blocks, from which Kedro builds them again.
    """
    result = deepcopy(dict(parameters))
    for key, annotation in annotations.items():
        value, adapter = _lookup(parameters, key), _adapter(annotation)
        if value is not _MISSING and adapter is not None:
            *path, last = key.split(".")
            block = result
            for part in path:
                block = block[part]
            block[last] = adapter.dump_python(adapter.validate_python(value), exclude_unset=True)
    return result


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:  # noqa: ANN401 (any type)
    try:
        return TypeAdapter(annotation)
    except PydanticUserError:
        return None


def _without_dotted_keys(
    parameters: Mapping[str, Any], annotations: Mapping[str, Any], known: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """Drop keys such as ``environment.engine``, which Kedro does not split."""
    problems: list[str] = []

    def cleaned(values: Mapping[str, Any], prefix: str, annotation: object) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in values.items():
            key = f"{prefix}{name}"
            if "." in str(name) and not _names_are_free(annotation):
                problems.append(f"{key} = {value!r}: {_block_form(key, prefix, value, known)}")
            elif isinstance(value, Mapping):
                inner = annotations.get(key, _inner_annotation(annotation, name))
                block = cleaned(value, f"{key}.", inner)
                if block or not value:
                    kept[name] = block
            else:
                kept[name] = value
        return kept

    return cleaned(parameters, "", None), problems


def _block_form(key: str, prefix: str, value: object, known: Iterable[str]) -> str:
    names = set(known)
    blocks = {name.rsplit(".", count)[0] for name in names for count in range(name.count("."))}
    meant = key if key in names | blocks else next(iter(get_close_matches(key, names, 1)), None)
    if meant is None:
        return f"keys have no dots, and no pipeline reads it; {suggest(key, names)}"
    where = f" under {prefix.rstrip('.')}" if prefix and meant.startswith(prefix) else ""
    block = as_block(meant.removeprefix(prefix), value)
    return f"keys have no dots; write it as a block{where}: {block}"


def _names_are_free(annotation: object) -> bool:
    """Whether the keys of such a block are names that the user chooses."""
    if inspect.isclass(annotation) and issubclass(annotation, RootModel):
        annotation = annotation.model_fields["root"].annotation
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, Mapping):
        return arguments[1] is not Any
    return any(_names_are_free(argument) for argument in arguments)


def _inner_annotation(annotation: object, name: str) -> object:
    """Type of a key of a block, if the annotation has one."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        if issubclass(annotation, RootModel):
            return _inner_annotation(annotation.model_fields["root"].annotation, name)
        field = annotation.model_fields.get(name)
        return None if field is None else field.annotation
    if get_origin(annotation) in (dict, Mapping):
        return get_args(annotation)[1]
    # In a union, the first member with that name.
    inner = (_inner_annotation(argument, name) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)


_MISSING = object()


def _why_unread(key: str, known: Iterable[str]) -> str:
    inner = {
        name.removeprefix(f"{key}.").split(".")[0] for name in known if name.startswith(f"{key}.")
    }
    if inner:
        return f"it must be a block with the keys {', '.join(sorted(inner))}"
    return f"no pipeline reads it; {suggest(key, known)}"


def _check_environment(loader: AbstractConfigLoader) -> None:
    source = Path(loader.conf_source)
    if not loader.env or not source.is_dir() or (source / loader.env).is_dir():
        return
    environments = [path.name for path in source.iterdir() if path.is_dir()]
    raise BadInputError(
        f"there is no environment {loader.env!r} in {source}; {suggest(loader.env, environments)}"
    )


def _parameter_annotations(registered: Iterable[Pipeline]) -> dict[str, Any]:
    return {
        key: annotation
        for pipeline in registered
        for node in pipeline.nodes
        for key, annotation in _node_annotations(node)
    }


def _node_annotations(node: Node) -> Iterator[tuple[str, Any]]:
    try:
        hints = get_type_hints(node.func, include_extras=True)
    except (NameError, TypeError):
        hints = {}
    arguments = inspect.signature(node.func).parameters
    for name, argument in zip(node.inputs, arguments, strict=False):
        if name.startswith(_PREFIX):
            yield name.removeprefix(_PREFIX), hints.get(argument, Any)


def _model_keys(annotation: object, value: object) -> Iterator[str]:
    """Dotted keys of a model, or of the models of a union; of free names, those in the value."""
    if inspect.isclass(annotation) and issubclass(annotation, RootModel):
        yield from _model_keys(annotation.model_fields["root"].annotation, value)
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from _keys_below(name, field.annotation, value)
    elif _names_are_free(annotation) and get_origin(annotation) in (dict, Mapping):
        for name in value if isinstance(value, Mapping) else ():
            yield from _keys_below(str(name), get_args(annotation)[1], value)
    elif get_origin(annotation) not in (None, dict, Mapping):
        for argument in get_args(annotation):
            yield from _model_keys(argument, value)


def _keys_below(name: str, annotation: object, block: object) -> Iterator[str]:
    value = block.get(name) if isinstance(block, Mapping) else None
    yield name
    yield from (f"{name}.{key}" for key in _model_keys(annotation, value))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _lookup(values: Mapping[str, Any], key: str) -> object:
    value: object = values
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _MISSING
        value = value[part]
    return value
