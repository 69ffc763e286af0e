"""Runs of experiments, an experiment and a seed each: of any algorithm, or variants of stage 1."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd
from pydantic import ValidationError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import BOOKKEEPING
from qwop_wr.agents.stage import StageGames, StageInputs, StageOptions, StageResult, train_stage
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import LearnerTask, LearnerTraining, kept_agent, kept_steps
from qwop_wr.agents.transitions import Transitions
from qwop_wr.compute import WorkContext
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.errors import BadInputError, describe_validation_error
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.pipelines.experiments.options import Experiment, Experiments
from qwop_wr.pipelines.games import evaluation_games
from qwop_wr.pipelines.inputs import fingerprint
from qwop_wr.tracking import stage_run


@dataclass(frozen=True)
class SeededRun:
    """Something named that is trained with a seed."""

    name: str
    seed: int

    @property
    def key(self) -> str:
        """Name of its files."""
        return f"{self.name}/{self.seed}"

    @property
    def title(self) -> str:
        """Name of its MLflow run."""
        return f"{self.name} {self.seed}"


@dataclass(frozen=True)
class ExperimentRun(SeededRun):
    """An experiment that is trained with a seed.

    Attributes:
        keep_at: Steps whose checkpoints others start from.
        parent: The run that it starts from, if any.
    """

    experiment: Experiment
    keep_at: tuple[int, ...] = ()
    parent: "ExperimentRun | None" = None

    @property
    def task(self) -> str:
        """Hash of everything that its results follow from."""
        experiment = self.experiment.model_dump(
            mode="json", exclude={"hypothesis", "outcome", "source"}
        )
        for name in BOOKKEEPING & experiment["training"].keys():
            del experiment["training"][name]
        return fingerprint(experiment, self.seed, self.parent.task if self.parent else None)

    def training(self, parent: TrainingState | None) -> LearnerTraining:
        """Make the training, not begun.

        Args:
            parent: State of the run that it starts from, if any.

        Raises:
            BadInputError: If the parent has not kept the checkpoint.
        """
        experiment = self.experiment
        environment, (learning, training) = experiment.environment, experiment.plan
        beginning = self._beginning(parent)
        return LearnerTraining(
            training,
            LearnerTask(learning, experiment.spec, self.seed, beginning, self.keep_at),
            QwopVecEnv(QwopVectorEnv(experiment.n_games, environment), experiment.bootstrap_finish),
            evaluation_games(
                training.evaluation_starts, randomised_options(environment, experiment.evaluation)
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


def plan_run(experiments: Experiments, name: str, seed: int) -> ExperimentRun:
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
    return ExperimentRun(name, seed, experiment, experiments.checkpoints(name), parent)


def with_parents(experiments: Experiments, names: Sequence[str]) -> Iterator[str]:
    """Name the experiments and those that they start from, each once, before its successors."""
    named: set[str] = set()
    for name in names:
        for needed in reversed(list(experiments.lineage(name))):
            if needed not in named:
                named.add(needed)
                yield needed


@dataclass(frozen=True, eq=False)
class VariantSetting:
    """Inputs that all variants share.

    Attributes:
        games: Environment of these games.
        evaluation: Environment of evaluations.
    """

    demonstrations: Transitions
    n_games: int
    games: EnvironmentOptions
    evaluation: EnvironmentOptions

    def task(self, options: StageOptions, measured: Sequence[str]) -> str:
        """Hash everything but the seed that a variant's results follow from.

        Args:
            measured: Names of the numbers that are kept.
        """
        data = hashlib.sha256()
        for field in fields(self.demonstrations):
            data.update(getattr(self.demonstrations, field.name).tobytes())
        games = [one.model_dump(mode="json") for one in (self.games, self.evaluation)]
        return fingerprint(
            self.n_games, games, data.hexdigest(), options.model_dump(mode="json"), [*measured]
        )


@dataclass(frozen=True)
class VariantRun(SeededRun):
    """A variant of stage 1 that is trained with a seed."""

    options: StageOptions


@dataclass(frozen=True, eq=False)
class TrainedVariant:
    """Results of a training.

    Attributes:
        outcome: Its numbers, as JSON values.
        history: Its metrics: ``step``, ``metric``, ``value``.
        is_logged: Whether MLflow has them; False if trained in another process.
    """

    outcome: Mapping[str, Any]
    history: pd.DataFrame
    is_logged: bool

    def log(self, run: VariantRun) -> None:
        """Log the training as a child run, if that is not done yet."""
        if self.is_logged:
            return
        with stage_run(run.title, {"options": run.options}) as sink:
            for step, rows in self.history.groupby("step", sort=True):
                sink(dict(zip(rows["metric"], rows["value"], strict=True)), int(str(step)))


def variant_options(experiments: Experiments, name: str, base: StageOptions) -> StageOptions:
    """Apply the changes of a variant to the options of stage 1, which nobody coaches here.

    Raises:
        BadInputError: If it is no variant of stage 1, or a change does not fit.
    """
    changes = experiments.named(name).stage
    if changes is None:
        raise BadInputError(
            f"ablations.experiments: {name!r} is no variant of stage 1; "
            f"kedro run --pipeline=train --params=experiment={name}"
        )
    try:
        return StageOptions.model_validate({**base.model_dump(), "coaching": None, **changes})
    except ValidationError as error:
        problems = describe_validation_error(error, f"experiments.{name}.stage")
        raise BadInputError("; ".join(problems)) from error


def train_variant(setting: VariantSetting, run: VariantRun, context: WorkContext) -> TrainedVariant:
    """Train a variant from a fresh network.

    In the calling process, it is a child of the MLflow run and shows its own progress.
    """
    games = StageGames(
        QwopVecEnv(QwopVectorEnv(setting.n_games, setting.games)),
        evaluation_games(run.options.evaluation_starts, setting.evaluation),
    )
    interface, engine = setting.games.interface, setting.games.engine
    spec = run.options.agent_spec(interface, engine)
    shows = run.options.progress_bar and context.in_process
    options = run.options.model_copy(update={"progress_bar": shows})
    began = time.process_time()
    with stage_run(run.title, {"options": run.options}) as sink:
        inputs = StageInputs(None, setting.demonstrations, run.seed)
        result = train_stage(options, games, spec, inputs, sink)
    outcome = _outcome(result) | {"processor_seconds": time.process_time() - began}
    return TrainedVariant(outcome, result.history, context.in_process)


def describe_run(run: VariantRun) -> str:
    """Name a training, such as ``experiment full, seed 2``."""
    return f"experiment {run.name}, seed {run.seed}"


def _outcome(result: StageResult) -> dict[str, Any]:
    rates = result.history.query("metric == 'evaluation/finish_rate'")["value"]
    return {
        **asdict(result.gate.outgoing),
        "last_finish_rate": float(rates.iloc[-1]),
        "rollbacks": result.rollbacks,
        "starts": result.gate.n_starts,
        "steps": int(result.history["step"].max()),
    }
