"""The registered pipelines."""

from qwop_wr.pipeline_registry import register_pipelines


def test_default_is_the_whole_way_from_the_shipped_expert() -> None:
    pipelines = register_pipelines()
    assert pipelines["__default__"] == pipelines["world_record"]
    datasets = {name for name in pipelines["world_record"].inputs() if "param" not in name}
    assert datasets == {"expert_agent"}
    assert {"report", "summary", "tapes", "velocity_agent"} <= pipelines[
        "world_record"
    ].outputs() | {name for node in pipelines["world_record"].nodes for name in node.outputs}


def test_expert_begins_from_nothing_but_its_rival() -> None:
    inputs = register_pipelines()["expert"].inputs()
    assert {name for name in inputs if "param" not in name} == {"reigning_expert_agent"}
