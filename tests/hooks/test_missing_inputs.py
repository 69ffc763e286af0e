"""A part of a pipeline whose inputs are missing: who makes them, and the command."""

import re

import pytest

from qwop_wr.errors import BadInputError
from tests.tiny_project.project import TinyProject


def told(project: TinyProject, **selection: object) -> str:
    with pytest.raises(BadInputError) as caught:
        project.run(**selection)  # type: ignore[arg-type]
    assert project.runs() == {}
    return caught.value.message


def test_what_only_memory_keeps(tiny_project: TinyProject) -> None:
    tiny_project.run(pipeline_names=["whole"], to_nodes=["count"])
    with pytest.raises(BadInputError) as caught:
        tiny_project.run(env="smoke", pipeline_names=["whole"], node_names=["stage.train"])
    assert caught.value.message == (
        "stage.train needs copied, which only memory keeps: node copy makes it; run: "
        "kedro run --pipelines=whole --env=smoke --nodes=copy,stage.train"
    )


@pytest.mark.parametrize(
    "selection",
    [
        {"node_names": ["stage.train"]},
        {"from_nodes": ["stage.train"]},
        {"namespaces": ["stage"]},
        {"from_inputs": ["copied"]},
    ],
)
def test_nothing_is_there_yet(tiny_project: TinyProject, selection: dict[str, list[str]]) -> None:
    # The command is the whole pipeline's.
    assert told(tiny_project, pipeline_names=["whole"], **selection) == (
        "stage.train needs copied, which only memory keeps: node copy makes it; run: "
        "kedro run --pipelines=whole"
    )


def test_a_file_that_is_not_there(tiny_project: TinyProject) -> None:
    message = told(tiny_project, node_names=["copy"], params={"world": {"ticks": 4}})
    assert message == (
        "copy needs numbers, which is not there: node count makes it; run: "
        "kedro run --nodes=copy,count --params=world.ticks=4"
    )


def test_the_command_works(tiny_project: TinyProject) -> None:
    message = told(tiny_project, node_names=["copy"])
    names = re.findall("--nodes=(.*)", message)[0].split(",")
    tiny_project.run(node_names=names)
    assert (tiny_project.path / "data/numbers.json").exists()


def test_what_may_be_missing_is_not_asked_for(tiny_project: TinyProject) -> None:
    tiny_project.run(pipeline_names=["counting"])
    assert (tiny_project.path / "data/counting.safetensors").exists()
