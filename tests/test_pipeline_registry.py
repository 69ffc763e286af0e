"""The registered pipelines."""

from qwop_wr.pipeline_registry import register_pipelines


def test_default_is_the_whole_way_from_the_shipped_expert() -> None:
    pipelines = register_pipelines()
    assert pipelines["__default__"] == pipelines["world_record"]
    datasets = {name for name in pipelines["world_record"].inputs() if "param" not in name}
    may_be_missing = {
        "ablations_rows",
        "demonstration_recordings",
        "demonstration_tapes",
        "interrupted_dqnfd_training",
        "interrupted_self_play_training",
        "interrupted_velocity_training",
        "reigning_champion_agent",
        "reigning_expert_agent",
        "reigning_guide_agents",
        "reigning_record_tape",
    }
    assert datasets == {"expert_agent"} | may_be_missing
    assert {"report", "summary", "tapes", "velocity_agent", "record_tape"} <= pipelines[
        "world_record"
    ].outputs() | {name for node in pipelines["world_record"].nodes for name in node.outputs}


def test_expert_begins_from_nothing_but_its_rivals_and_what_was_interrupted() -> None:
    inputs = {
        name for name in register_pipelines()["expert"].inputs() if not name.startswith("params:")
    }
    rivals = {"reigning_expert_agent", "reigning_guide_agents"}
    assert {name for name in inputs if not name.startswith("interrupted_")} == rivals
    assert rivals < inputs


def test_a_champion_is_coached_on_and_succeeds_the_expert_through_the_gate() -> None:
    train, take, select, crown = register_pipelines()["succession"].nodes
    assert {"reigning_champion_agent", "reigning_guide_agents"} < set(train.inputs)
    assert "succession_agent" in take.outputs
    assert {"succession_agent", "reigning_expert_agent"} < set(select.inputs)
    assert select.outputs == ["expert_agent", "expert_gate"]
    assert crown.outputs == ["champion_agent"]


def test_every_part_of_the_whole_way_is_a_namespace() -> None:
    pipeline = register_pipelines()["world_record"]
    assert {node.namespace for node in pipeline.nodes} == {
        "demonstrations",
        "dqnfd",
        "self_play",
        "velocity",
        "evaluation",
        "hunt",
        "reporting",
    }
    # Names of datasets and parameters have no prefixes, so that both read alike everywhere.
    parameters = {"expert", "files", "games", "search"}
    dotted = {name for name in pipeline.datasets() if "." in name}
    assert dotted == {f"params:demonstrations.{name}" for name in parameters}


def test_old_names_of_the_experiments_wing() -> None:
    pipelines = register_pipelines()
    assert pipelines["train"].nodes == pipelines["experiments"].nodes
    assert {"ledger", "shaping", "ablations", "sweep"} <= pipelines.keys()
