"""Two nodes with typed parameters; the second can be told to get into trouble."""

import os
import signal
from typing import Any, Literal

from kedro.pipeline import Node, Pipeline
from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.errors import BadInputError
from qwop_wr.tracking import stage_run


class World(BaseModel):
    """Shared by all nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["exact", "box2d"]
    ticks: int = Field(ge=1)


class Schedule(BaseModel):
    """A nested model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float = Field(gt=0, lt=1)


class Options(BaseModel):
    """Options of the second node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(gt=0)
    rate: Schedule
    layers: tuple[int, ...] = (8, 8)


def count(world: World) -> list[int]:
    return list(range(world.ticks))


def copy(numbers: list[int]) -> list[int]:
    return numbers


def train(numbers: list[int], options: Options, trouble: str | None, seed: int) -> dict[str, Any]:
    with stage_run("train", options) as sink:
        for step in range(options.steps):
            sink({"loss": 1 / (step + 1)}, step)
        _get_into(trouble)
    return {"numbers": numbers, "seed": seed}


def _get_into(trouble: str | None) -> None:
    if trouble in ("SIGTERM", "SIGINT"):
        os.kill(os.getpid(), signal.Signals[trouble])
    elif trouble == "bad input":
        raise BadInputError("the agent was made for another environment")
    elif trouble is not None:
        raise RuntimeError(trouble)


def register_pipelines() -> dict[str, Pipeline]:
    pipeline = Pipeline(
        [
            Node(count, "params:world", "numbers", name="count"),
            Node(copy, "numbers", "copied", name="copy"),
            Node(
                train,
                ["copied", "params:stage.options", "params:stage.trouble", "params:seed"],
                "stage.result",
                name="train",
                namespace="stage",
            ),
        ]
    )
    return {"__default__": pipeline, "whole": pipeline}
