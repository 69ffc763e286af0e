"""A training of a second to be killed: ``python -m tests.faults.tiny_training KIND FOLDER``."""

import sys
from pathlib import Path

from qwop_wr.agents.stage import StageTraining
from qwop_wr.agents.training import LearnerTraining
from qwop_wr.datasets import TrainingStateDataset
from tests.agents import test_stage_resuming, test_training

STATE = "training.safetensors"


def make(kind: str) -> LearnerTraining | StageTraining:
    """The training that is meant by ``ppo`` or ``stage``, with many states."""
    if kind == "ppo":
        return test_training.training(
            test_training.make_options(save_every=1024, budget={"steps": 8192})
        )
    return test_stage_resuming.training(test_stage_resuming.OFTEN)


def main(kind: str, folder: Path) -> None:
    """Begin or go on, and save every state."""
    dataset = TrainingStateDataset(filepath=folder / STATE, load_args={"optional": True})
    for state in make(kind).run(dataset.load()):
        dataset.save(state)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
