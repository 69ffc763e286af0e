"""Two nodes with typed parameters; the second can be told to get into trouble."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from kedro.pipeline import Node, Pipeline
from pydantic import Field, JsonValue

from qwop_wr import options
from qwop_wr.agents.state import TrainingState
from qwop_wr.errors import BadInputError
from qwop_wr.metric_sink import MetricSink
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.stopping import stop_if_requested, stops_itself
from qwop_wr.tracking import stage_run


class World(options.Options):
    """Shared by all nodes."""

    engine: Literal["exact", "box2d"]
    ticks: int = Field(ge=1)


class Schedule(options.Options):
    """A nested model."""

    start: float = Field(gt=0, lt=1)


class TinyOptions(options.Options):
    """Options of the second node."""

    steps: int = Field(gt=0)
    rate: Schedule
    layers: tuple[int, ...] = (8, 8)


def count(world: World) -> list[int]:
    return list(range(world.ticks))


def copy(numbers: list[int]) -> list[int]:
    return numbers


def measure(world: World) -> dict[str, Any]:
    return {"ticks": {"step": 0, "value": float(world.ticks)}}


def train(
    numbers: list[int], options: TinyOptions, trouble: str | None, seed: int
) -> dict[str, Any]:
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


class Counting:
    """A training that counts to four, and gets into trouble at three the first time."""

    origin: dict[str, JsonValue] = {"to": 4}  # noqa: RUF012

    def __init__(self, trouble: str | None) -> None:
        self._trouble = trouble

    def is_over(self, state: TrainingState) -> bool:
        return state.finished

    def run(self, state: TrainingState | None, sink: MetricSink) -> Iterator[TrainingState]:
        first = int(state.arrays["count"]) + 1 if state else 1
        with stops_itself():
            for number in range(first, 5):
                sink({"count": number}, number)
                if number == 3 and state is None:
                    _get_into(self._trouble)
                count = {"count": np.array(number)}
                yield TrainingState(count, {**self.origin, "finished": number == 4})
                stop_if_requested()


def go_on_counting(
    interrupted: TrainingState | None, resume: bool, trouble: str | None
) -> Iterator[TrainingState]:
    training = Counting(trouble)
    yield from train_on("counting", training, interrupted if resume else None, {"to": 4})


def go_on_with_one_of_several(
    stored: Mapping[str, Callable[[], TrainingState]],
    place: str,
    name: str,
    resume: bool,
    trouble: str | None,
) -> Iterator[dict[str, TrainingState]]:
    key = f"{place}/{name}"
    interrupted = stored[key]() if resume and key in stored else None
    for state in train_on(key, Counting(trouble), interrupted, {"to": 4}):
        yield {key: state}


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
    counting = Node(
        go_on_counting,
        ["interrupted_counting_training", "params:resume", "params:stage.trouble"],
        "counting_training",
        name="go_on_counting",
    )
    experiment = Node(
        go_on_with_one_of_several,
        [
            "stored_experiments",
            "params:place",
            "params:name",
            "params:resume",
            "params:stage.trouble",
        ],
        "experiments",
        name="go_on_with_one_of_several",
    )
    measured = Node(measure, "params:world", "ticks_metrics", name="measure")
    return {
        "__default__": pipeline,
        "whole": pipeline,
        "counting": Pipeline([counting]),
        "experiment": Pipeline([experiment]),
        "measured": Pipeline([measured]),
    }
