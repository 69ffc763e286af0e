"""What of the experiments is to be done in a run."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import OBSERVING
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import LearnerTask, LearnerTraining, kept_agent, kept_steps
from qwop_wr.envs import QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.train.options import Experiment, Experiments, Scale


@dataclass(frozen=True)
class Assignment:
    """An experiment that is to be run.

    Attributes:
        name: Its name.
        scale: Its scale.
        experiment: The experiment at that scale.
        seed: Seed of everything random.
        keep_at: Steps at which others begin with it.
        parent: The experiment that it begins with, if it does.
    """

    name: str
    scale: Scale
    experiment: Experiment
    seed: int
    keep_at: tuple[int, ...] = ()
    parent: "Assignment | None" = None

    @property
    def key(self) -> str:
        """Name of its files."""
        return f"{self.scale}/{self.name}"

    @property
    def task(self) -> str:
        """Fingerprint of all that its results follow from."""
        experiment = self.experiment.model_dump(
            mode="json", exclude={"hypothesis", "outcome", "source"}
        )
        for name in OBSERVING & experiment["training"].keys():
            del experiment["training"][name]
        facts = [experiment, self.seed, self.parent.task if self.parent else None]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def training(self, parent: TrainingState | None) -> LearnerTraining:
        """Make the training.

        Args:
            parent: State of the experiment that it begins with, if it does.

        Returns:
            The training, not begun.

        Raises:
            BadInputError: If the parent has not kept the checkpoint.
        """
        experiment = self.experiment
        environment = experiment.environment
        learning, spec = experiment.learning, experiment.spec
        return LearnerTraining(
            experiment.training,
            LearnerTask(learning, spec, self.seed, self._beginning(parent), self.keep_at),
            QwopVecEnv(QwopVectorEnv(experiment.n_games, environment), experiment.bootstrap_finish),
            QwopVectorEnv(
                experiment.training.evaluation_starts,
                randomised_environment(environment, experiment.evaluation),
                autoreset=False,
            ),
            records_divergence=True,
        )

    def _beginning(self, state: TrainingState | None) -> Agent | None:
        beginning, parent = self.experiment.begins_with, self.parent
        if beginning is None or parent is None:
            return None
        is_usable = state is not None and state.facts.get("task") == parent.task
        if state is None or not is_usable or beginning.step not in kept_steps(state):
            raise BadInputError(
                f"{self.name} begins with {parent.name} after {beginning.step} steps, and there is "
                "no such checkpoint of the present configuration; first: kedro run "
                "--pipeline=train --env=experiments "
                f"--params=experiment={parent.name},scale={self.scale}"
            )
        return kept_agent(state, beginning.step)


def assign(experiments: Experiments, name: str, scale: Scale, seed: int) -> Assignment:
    """Prepare one experiment.

    Args:
        experiments: All experiments.
        name: Which.
        scale: At which scale.
        seed: Seed of everything random.

    Returns:
        The assignment.

    Raises:
        BadInputError: If there is no such experiment.
    """
    experiment = experiments.named(name).at(scale)
    beginning = experiment.begins_with
    parent = assign(experiments, beginning.experiment, scale, seed) if beginning else None
    keep_at = experiments.checkpoints(name, scale)
    return Assignment(name, scale, experiment, seed, keep_at, parent)


def in_order(experiments: Experiments, names: list[str]) -> Iterator[str]:
    """Put experiments behind those that they begin with, which are added.

    Args:
        experiments: All experiments.
        names: Wanted ones.

    Yields:
        Names, each once.
    """
    told: set[str] = set()
    for name in names:
        for needed in reversed(list(experiments.lineage(name))):
            if needed not in told:
                told.add(needed)
                yield needed
