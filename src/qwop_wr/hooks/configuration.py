"""Checks of the configuration before anything runs."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from qwop_wr.errors import BadInputError, describe_validation_error, suggest
from qwop_wr.hooks.configuration_files import check_files

_PREFIX = "params:"
_MAX_PROBLEMS = 3


class ConfigurationCheckHook:
    """Refuses environments, files and parameters that no pipeline can use.

    Files are measured before they are read as a whole, and the catalog may only name types of
    datasets that execute nothing. Kedro ignores an unknown environment and unknown parameters,
    and checks typed parameters only where they are models. Here every parameter must be read
    by some registered pipeline and fit the annotation of the argument it goes to.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check environment and parameters.

        Args:
            context: The project's context.

        Raises:
            BadInputError: Naming the keys, their values and what would be right.
        """
        _check_environment(context.config_loader)
        check_files(context.config_loader)
        annotations = _parameter_annotations(pipelines.values())
        problems = find_problems(context.config_loader["parameters"], annotations)
        if problems:
            n_more = len(problems) - _MAX_PROBLEMS
            more = [f"and {n_more} more"] if n_more > 0 else []
            raise BadInputError("parameters: " + "; ".join([*problems[:_MAX_PROBLEMS], *more]))


def find_problems(parameters: Mapping[str, Any], annotations: Mapping[str, Any]) -> list[str]:
    """Compare parameters with what the pipelines read.

    Args:
        parameters: Nested values.
        annotations: Types by dotted key; ``Any`` where nothing is known.

    Returns:
        One line per problem.
    """
    known = set(annotations)
    for key, annotation in annotations.items():
        known.update(f"{key}.{field}" for field in _model_keys(annotation))
    problems = [
        f"{key} = {value!r}: {_why_unread(key, known)}"
        for key, value in _leaves(parameters)
        if not any(key == read or key.startswith(f"{read}.") for read in annotations)
    ]
    for key, annotation in annotations.items():
        value = _lookup(parameters, key)
        if value is _MISSING:
            continue
        try:
            adapter = TypeAdapter(annotation)
        except PydanticUserError:
            continue
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            problems += describe_validation_error(error, key, known)
    return problems


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


def _model_keys(annotation: object) -> Iterator[str]:
    """Dotted keys of a model, or of the models of a union."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield name
            yield from (f"{name}.{key}" for key in _model_keys(field.annotation))
    elif get_origin(annotation) is not None:
        for argument in get_args(annotation):
            yield from _model_keys(argument)


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
