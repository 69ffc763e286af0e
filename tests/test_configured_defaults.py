"""What the code does by default is what conf/base says, wherever it says it."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from kedro.config import OmegaConfigLoader
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from qwop_wr import settings
from qwop_wr.pipeline_registry import register_pipelines

CONF = Path(__file__).parents[1] / "conf"

Uses = dict[tuple[type[BaseModel], str], list[tuple[str, bool]]]
"""Where a field is read, and whether its value there is the default, by model and field."""


def typed_parameters() -> Iterator[tuple[str, Any]]:
    for pipeline in register_pipelines().values():
        for node in pipeline.nodes:
            hints = get_type_hints(node.func, include_extras=True)
            arguments = inspect.signature(node.func).parameters
            for name, argument in zip(node.inputs, arguments, strict=False):
                # Each experiment has settings of its own.
                if name.startswith("params:") and name != "params:experiments":
                    yield name.removeprefix("params:"), hints[argument]


def follow(found: BaseModel, given: dict[str, Any], key: str, uses: Uses) -> None:
    for name, field in type(found).model_fields.items():
        default = field.get_default(call_default_factory=True)
        value = getattr(found, name)
        if isinstance(value, BaseModel) and isinstance(given.get(name), dict):
            follow(value, given[name], f"{key}.{name}", uses)
        elif default is not PydanticUndefined and default is not None:
            uses.setdefault((type(found), name), []).append((f"{key}.{name}", value == default))


@pytest.fixture(scope="module")
def uses() -> Uses:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS, "default_run_env": "base"}
    parameters = OmegaConfigLoader(str(CONF), env="base", **arguments)["parameters"]
    found: Uses = {}
    for key, annotation in dict(typed_parameters()).items():
        value: Any = parameters
        for part in key.split("."):
            value = value[part]
        options = TypeAdapter(annotation).validate_python(value)
        if isinstance(options, BaseModel):
            follow(options, value, key, found)
    return found


def test_a_default_is_a_value_that_the_configuration_uses(uses: Uses) -> None:
    stale = {
        f"{model.__name__}.{name}": [key for key, _ in places]
        for (model, name), places in uses.items()
        if not any(is_default for _, is_default in places)
    }
    assert stale == {}


def test_the_comparison_sees_models_in_models(uses: Uses) -> None:
    compared = {(model.__name__, name) for model, name in uses}
    assert len(compared) > 100
    assert {("StageOptions", "batch_size"), ("SearchOptions", "cell")} <= compared
    assert ("AgentOptions", "n_quantiles") in compared
