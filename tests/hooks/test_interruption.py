"""The advice after an interruption leads to where the work can go on."""

import logging
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from qwop_wr.hooks import ResumeAdviceHook
from tests.tiny_project.project import TinyProject


def advice(
    project: TinyProject, caplog: pytest.LogCaptureFixture, name: str = "SIGTERM", **selection: Any
) -> str:
    with (
        caplog.at_level(logging.WARNING, logger="qwop_wr"),
        pytest.raises(KeyboardInterrupt),
    ):
        project.run(params={"stage": {"trouble": name}}, **selection)
    (message,) = [r.message for r in caplog.records if r.name == "qwop_wr.hooks.interruption"]
    return message


def test_goes_back_to_what_is_stored(
    tiny_project: TinyProject, caplog: pytest.LogCaptureFixture
) -> None:
    message = advice(tiny_project, caplog)
    assert message.startswith("Stopped in node stage.train, after 2 of 3 nodes.")
    # The output of the node before was in memory only.
    command = "kedro run --from-nodes=copy --params=stage.trouble=SIGTERM"
    assert message.endswith(f"To resume:\n{command}")


def test_the_advice_works(tiny_project: TinyProject, caplog: pytest.LogCaptureFixture) -> None:
    tiny_project.store_everything()
    message = advice(tiny_project, caplog)
    (option,) = [word for word in message.split() if word.startswith("--from-nodes=")]
    assert option == "--from-nodes=stage.train"
    tiny_project.run(from_nodes=[option.split("=")[1]])
    assert (tiny_project.path / "data" / "result.json").exists()


def test_first_node(tiny_project: TinyProject, caplog: pytest.LogCaptureFixture) -> None:
    tiny_project.store_everything()
    tiny_project.run()
    message = advice(tiny_project, caplog, "SIGINT", namespaces=["stage"])
    assert "after 0 of 1 nodes" in message
    assert "To run it again:\nkedro run --namespaces=stage --params=" in message


def test_a_node_that_can_go_on_in_the_middle(caplog: pytest.LogCaptureFixture) -> None:
    def train(resume: bool) -> bool:
        return resume

    node = Node(train, "params:resume", "trained", name="train")
    hook = ResumeAdviceHook()
    run_params = {
        "pipeline_names": ["whole"],
        "env": "smoke",
        "runtime_params": {"stage": {"options": {"steps": 3, "rate": {"start": 0.5}}}},
    }
    catalog = DataCatalog({"params:resume": MemoryDataset(False)})
    hook.before_pipeline_run(run_params, Pipeline([node]), catalog)
    hook.before_node_run(node)
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        hook.on_pipeline_interrupted()
    command = (
        "kedro run --pipelines=whole --env=smoke "
        "--params=stage.options.steps=3,stage.options.rate.start=0.5,resume=true"
    )
    assert caplog.text.endswith(f"To resume:\n{command}\n")
