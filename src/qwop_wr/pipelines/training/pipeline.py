"""One template, used once per stage; the stages differ in their parameters only."""

from typing import Final

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.training.nodes import (
    choose_judge,
    initialise_agent,
    take_agent,
    take_judge,
    train_agent,
)

STAGES: Final = ("dqnfd", "self_play", "velocity")
"""Names of the stages in order; each starts from the previous one's agent."""

_SHARED_PARAMETERS: Final = (
    "params:agent",
    "params:environment",
    "params:evaluation",
    "params:seed",
    "params:resume",
)


def create_stage(name: str, incoming: str, judge: str) -> Pipeline:
    """Create one stage from the template.

    Args:
        name: Name of the stage, which is its namespace.
        incoming: Dataset of the agent that it starts from.
        judge: Dataset of the agent by whose values its coach, if any, begins to rate.

    Returns:
        Pipeline with the outputs ``{name}_agent``, ``{name}_history`` and ``{name}_gate``.
        ``{name}_training`` is the resumable state.
    """
    template = Pipeline(
        [
            Node(
                train_agent,
                inputs={
                    "incoming": "incoming_agent",
                    "interrupted": "interrupted_training",
                    "demonstrations": "demonstrations",
                    "judge": "judge",
                    "environment": "params:environment",
                    "agent": "params:agent",
                    "stage": "params:stage",
                    "evaluation": "params:evaluation",
                    "seed": "params:seed",
                    "resume": "params:resume",
                },
                outputs="training",
                name="train_agent",
            ),
            Node(
                take_agent,
                inputs={"training": "training", "stage": "params:stage"},
                outputs=["agent", "history", "gate"],
                name="take_agent",
            ),
        ]
    )
    return Pipeline(
        template,
        namespace=name,
        inputs={
            "incoming_agent": incoming,
            "demonstrations": "demonstrations",
            "judge": judge,
            "interrupted_training": f"interrupted_{name}_training",
        },
        outputs={out: f"{name}_{out}" for out in ("training", "agent", "history", "gate")},
        parameters={
            **{shared: shared for shared in _SHARED_PARAMETERS},
            "params:stage": f"params:{name}",
        },
    )


def create_pipeline() -> Pipeline:
    """Chain all stages.

    Returns:
        Pipeline from ``demonstrations`` to ``velocity_agent``.
    """
    beginning = Node(
        initialise_agent,
        inputs={
            "options": "params:agent",
            "stage": f"params:{STAGES[0]}",
            "environment": "params:environment",
            "seed": "params:seed",
        },
        outputs="initial_agent",
        name="initialise_agent",
    )
    # Coaching turns action values into mere scores: only the first stage's agent can judge.
    first_judge = Node(
        choose_judge,
        inputs={"guides": "reigning_guide_agents", "agent": f"{STAGES[0]}_agent"},
        outputs=f"{STAGES[0]}_judge",
        name="choose_judge",
    )
    pipeline = _in_stage(STAGES[0], beginning, first_judge)
    incoming = judge = "initial_agent"
    for name in STAGES:
        pipeline += create_stage(name, incoming, judge)
        incoming, judge = f"{name}_agent", f"{name}_judge"
    for name in STAGES[1:-1]:
        take = Node(
            take_judge,
            inputs={"training": f"{name}_training", "stage": f"params:{name}"},
            outputs=f"{name}_judge",
            name="take_judge",
        )
        pipeline += _in_stage(name, take)
    return pipeline


def _in_stage(name: str, *nodes: Node) -> Pipeline:
    return Pipeline(nodes, namespace=name, prefix_datasets_with_namespace=False)
