"""The pipelines by name, listed one by one.

Kedro's automatic discovery imports only the folder that has the name of the
requested pipeline; with an explicit list every name works, and an unknown one is
answered with the names that exist.
"""

from kedro.pipeline import Pipeline

from qwop_wr.pipelines import (
    ablations,
    cloning,
    demonstrations,
    evaluation,
    expert,
    guests,
    guides,
    ledger,
    record_hunt,
    reporting,
    shaping,
    shipped,
    sweep,
    train,
    training,
    world_record,
)


def register_pipelines() -> dict[str, Pipeline]:
    """List the project's pipelines.

    Returns:
        Pipelines by name; ``__default__`` is ``world_record``.
    """
    pipelines = {
        "world_record": world_record.create_pipeline(),
        "expert": expert.create_pipeline(),
        "demonstrations": demonstrations.create_pipeline(),
        "training": training.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "reporting": reporting.create_pipeline(),
        "guides": guides.create_pipeline(),
        "record_hunt": record_hunt.create_pipeline(),
        "shipped": shipped.create_pipeline(),
        "ablations": ablations.create_pipeline(),
        "shaping": shaping.create_pipeline(),
        "cloning": cloning.create_pipeline(),
        "finetuning": cloning.create_finetuning(),
        "guests": guests.create_pipeline(),
        "train": train.create_pipeline(),
        "sweep": sweep.create_pipeline(),
        "ledger": ledger.create_pipeline(),
    }
    return {"__default__": pipelines["world_record"], **pipelines}
