"""One template, used once per stage; the stages differ in their parameters only."""

from typing import Final

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.training.nodes import initialise_agent, take_agent, train_agent

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
        judge: Dataset of the agent by whose values a coach rates if there are no guides.

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
                    "guides": "guides",
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
            "guides": "reigning_guide_agents",
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
    first = Pipeline([beginning], namespace=STAGES[0], prefix_datasets_with_namespace=False)
    agents = ["initial_agent", *(f"{name}_agent" for name in STAGES)]
    # Coaching turns action values into mere scores: without guides the first stage's agent judges.
    judges = [agents[0], *[agents[1]] * (len(STAGES) - 1)]
    stages = [create_stage(*stage) for stage in zip(STAGES, agents, judges, strict=False)]
    return sum(stages, first)
