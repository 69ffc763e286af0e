"""A training of a second to be killed: ``python -m tests.faults.tiny_training KIND FOLDER``."""

import sys
from pathlib import Path

from qwop_wr.agents.ppo_training import PPOTraining
from qwop_wr.agents.trainer import StageTraining
from qwop_wr.datasets import TrainingStateDataset
from tests.agents import test_ppo, test_stage_state

STATE = "training.safetensors"


def make(kind: str) -> PPOTraining | StageTraining:
    """The training that is meant by ``ppo`` or ``stage``, with many states."""
    if kind == "ppo":
        return test_ppo.training(test_ppo.make_options(save_every=1024, budget={"steps": 8192}))
    return test_stage_state.training(test_stage_state.OFTEN)


def main(kind: str, folder: Path) -> None:
    """Begin or go on, and save every state."""
    dataset = TrainingStateDataset(filepath=folder / STATE, load_args={"optional": True})
    for state in make(kind).run(dataset.load()):
        dataset.save(state)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
