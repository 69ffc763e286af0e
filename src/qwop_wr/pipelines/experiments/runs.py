"""Runs of experiments with any algorithm: an experiment and a seed each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import OBSERVING
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import LearnerTask, LearnerTraining, kept_agent, kept_steps
from qwop_wr.envs import QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.experiments.options import Experiment, Experiments
from qwop_wr.pipelines.inputs import fingerprint


@dataclass(frozen=True)
class Run:
    """An experiment that is trained with a seed.

    Attributes:
        keep_at: Steps whose checkpoints others start from.
        parent: The run that it starts from, if any.
    """

    name: str
    experiment: Experiment
    seed: int
    keep_at: tuple[int, ...] = ()
    parent: "Run | None" = None

    @property
    def key(self) -> str:
        """Name of its files."""
        return f"{self.name}/{self.seed}"

    @property
    def task(self) -> str:
        """Hash of everything that its results follow from."""
        experiment = self.experiment.model_dump(
            mode="json", exclude={"hypothesis", "outcome", "source"}
        )
        for name in OBSERVING & experiment["training"].keys():
            del experiment["training"][name]
        return fingerprint(experiment, self.seed, self.parent.task if self.parent else None)

    def training(self, parent: TrainingState | None) -> LearnerTraining:
        """Make the training.

        Args:
            parent: State of the run that it starts from, if any.

        Returns:
            The training, not begun.

        Raises:
            BadInputError: If the parent has not kept the checkpoint.
        """
        experiment = self.experiment
        environment, (learning, training) = experiment.environment, experiment.learner
        beginning = self._beginning(parent)
        return LearnerTraining(
            training,
            LearnerTask(learning, experiment.spec, self.seed, beginning, self.keep_at),
            QwopVecEnv(QwopVectorEnv(experiment.n_games, environment), experiment.bootstrap_finish),
            QwopVectorEnv(
                training.evaluation_starts,
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
                f"--pipeline=train --params=experiment={parent.name},seed={parent.seed}"
            )
        return kept_agent(state, beginning.step)


def plan_run(experiments: Experiments, name: str, seed: int) -> Run:
    """Prepare an experiment.

    Raises:
        BadInputError: If there is no such experiment, or it is a variant of stage 1.
    """
    experiment = experiments.named(name)
    if experiment.stage is not None:
        raise BadInputError(
            f"experiment = {name!r} is a variant of stage 1 and learns from the demonstrations: "
            f"kedro run --pipeline=ablations --params='ablations.experiments=[{name}]'"
        )
    beginning = experiment.begins_with
    parent = plan_run(experiments, beginning.experiment, seed) if beginning else None
    return Run(name, experiment, seed, experiments.checkpoints(name), parent)


def with_parents(experiments: Experiments, names: Sequence[str]) -> Iterator[str]:
    """Add the experiments that others start from, each before its successors.

    Args:
        names: Wanted ones.

    Yields:
        Names, each once.
    """
    named: set[str] = set()
    for name in names:
        for needed in reversed(list(experiments.lineage(name))):
            if needed not in named:
                named.add(needed)
                yield needed
