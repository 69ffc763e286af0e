"""From demonstrations to a clone, from the clone to a better agent, and imported agents."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.imitation.nodes import (
    clone_demonstrations,
    finetune_clone,
    measure_clone,
    rank_guests,
    take_finetuned,
)
from qwop_wr.pipelines.inputs import parameters


def create_cloning() -> Pipeline:
    """Clone ``demonstrations`` and evaluate the clone."""
    clone = Node(
        clone_demonstrations,
        inputs={
            "demonstrations": "demonstrations",
            "options": "params:cloning",
            **parameters("environment", "seed"),
        },
        outputs=["cloned_agent", "cloning_history"],
        name="clone_demonstrations",
    )
    measure = Node(
        measure_clone,
        inputs={"agent": "cloned_agent", **parameters("environment", "evaluation")},
        outputs="clone_summary",
        name="measure_clone",
    )
    return Pipeline([clone, measure])


def create_finetuning() -> Pipeline:
    """Fine-tune ``cloned_agent`` with PPO."""
    finetune = Node(
        finetune_clone,
        inputs={
            "interrupted": "interrupted_finetuning_training",
            "agent": "cloned_agent",
            "games": "params:finetuning.games",
            "options": "params:finetuning.options",
            **parameters("environment", "evaluation", "seed", "resume"),
        },
        outputs="finetuning_training",
        name="finetune_clone",
    )
    take = Node(
        take_finetuned,
        inputs="finetuning_training",
        outputs=["finetuned_agent", "finetuning_history"],
        name="take_finetuned",
    )
    return Pipeline([finetune, take])


def create_guests() -> Pipeline:
    """Evaluate imported agents beside the expert."""
    return Pipeline(
        [
            Node(
                rank_guests,
                inputs={
                    "guests": "guest_agents",
                    "expert": "reigning_expert_agent",
                    **parameters("environment", "evaluation"),
                },
                outputs=["guests_table", "guests_report"],
                name="rank_guests",
            )
        ]
    )
