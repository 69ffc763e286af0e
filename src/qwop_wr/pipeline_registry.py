"""The pipelines by name, listed one by one.

Kedro's automatic discovery imports only the folder that has the name of the
requested pipeline; with an explicit list every name works, and an unknown one is
answered with the names that exist.
"""

from kedro.pipeline import Pipeline

from qwop_wr.pipelines import (
    demonstrations,
    evaluation,
    experiments,
    expert,
    imitation,
    record_hunt,
    reporting,
    training,
)
from qwop_wr.pipelines.training.pipeline import STAGES


def register_pipelines() -> dict[str, Pipeline]:
    """List the project's pipelines.

    Returns:
        Pipelines by name; ``__default__`` is ``world_record``.
    """
    pipelines = {
        "world_record": _world_record(),
        "expert": expert.create_pipeline(),
        "succession": expert.create_succession(),
        "demonstrations": demonstrations.create_pipeline(),
        "training": training.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "reporting": reporting.create_pipeline(),
        "shipped": reporting.create_shipped(),
        "guides": record_hunt.create_guides(),
        "record_hunt": record_hunt.create_pipeline(),
        "experiments": experiments.create_pipeline(),
        "train": experiments.create_pipeline(),
        "ledger": experiments.create_study("ledger"),
        "shaping": experiments.create_study("shaping"),
        "ablations": experiments.create_ablations(),
        "sweep": experiments.create_sweep(),
        "cloning": imitation.create_cloning(),
        "finetuning": imitation.create_finetuning(),
        "guests": imitation.create_guests(),
    }
    return {"__default__": pipelines["world_record"], **pipelines}


def _world_record() -> Pipeline:
    return (
        demonstrations.create_pipeline()
        + training.create_pipeline()
        + evaluation.create_pipeline()
        + record_hunt.create_short_hunt(f"{STAGES[-1]}_agent")
        + reporting.create_pipeline()
    )
