"""A run on an engine that clones slowly says at its start what it leaves out."""

import logging

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from qwop_wr.envs import EnvironmentOptions
from qwop_wr.hooks import SmallSearchesHook
from qwop_wr.search.hunt import HuntOptions
from qwop_wr.search.options import SearchOptions


def hunt(environment: EnvironmentOptions, options: HuntOptions) -> int:
    return 0


def count(environment: EnvironmentOptions) -> int:
    return 0


PIPELINE = Pipeline(
    [
        Node(hunt, ["params:environment", "params:hunt"], "a", name="hunt"),
        Node(count, "params:environment", "b", name="count"),
    ]
)


def told(caplog: pytest.LogCaptureFixture, engine: str, pipeline: Pipeline) -> str:
    options = HuntOptions.model_validate({"budget": {"rounds": 1}, "search": SearchOptions()})
    environment = EnvironmentOptions.from_keywords({"engine": engine})
    catalog = DataCatalog(
        {
            "params:environment": MemoryDataset(environment),
            "params:hunt": MemoryDataset(options),
        }
    )
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        SmallSearchesHook().before_pipeline_run(pipeline, catalog)
    return caplog.text


def test_nodes_that_search_are_named(caplog: pytest.LogCaptureFixture) -> None:
    text = told(caplog, "box2d", PIPELINE)
    assert "Engine box2d clones a game only by playing its keys again" in text
    assert "end after 40 ticks and keep 8 states" in text
    assert "(hunt)" in text


def test_nothing_is_said_where_nothing_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, "exact", PIPELINE) == ""
    assert told(caplog, "box2d", PIPELINE.only_nodes("count")) == ""
    free = Pipeline([Node(lambda x: x, "x", "y", name="free")])
    assert told(caplog, "box2d", free) == ""
