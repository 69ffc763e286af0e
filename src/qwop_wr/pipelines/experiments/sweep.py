"""A search over parameters of an experiment with Optuna."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Generic, Literal, TypeVar

import optuna
import pandas as pd
from optuna import Trial
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)
from tqdm import tqdm

from qwop_wr.agents.training import training_result
from qwop_wr.errors import BadInputError, describe_validation_error
from qwop_wr.evaluation.options import Seed
from qwop_wr.options import Options
from qwop_wr.pipelines.experiments.options import Experiment, Experiments, merged
from qwop_wr.pipelines.experiments.runs import ExperimentRun, plan_run
from qwop_wr.tracking import stage_run

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


_Number = TypeVar("_Number", int, float)


class _Range(Options, Generic[_Number]):
    low: _Number
    """Least value."""
    high: _Number
    """Greatest value."""
    log: bool = False
    """Draw its logarithm evenly."""

    @model_validator(mode="after")
    def _is_range(self) -> "_Range[_Number]":
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} has no logarithm; it must be above 0")
        return self

    @property
    def example(self) -> _Number:
        """Some value of it."""
        return self.low


class FloatRange(_Range[Annotated[float, Field(allow_inf_nan=False)]]):
    """A real number from a range."""

    type: Literal["float"]

    def suggest(self, trial: Trial, name: str) -> float:
        """Draw a value for a trial."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)


class IntRange(_Range[int]):
    """A whole number from a range."""

    type: Literal["int"]

    def suggest(self, trial: Trial, name: str) -> int:
        """Draw a value for a trial."""
        return trial.suggest_int(name, self.low, self.high, log=self.log)


class Choice(Options):
    """One of several values."""

    type: Literal["categorical"]
    choices: Annotated[tuple[str | bool | int | float | None, ...], Field(min_length=1)]
    """The values."""

    def suggest(self, trial: Trial, name: str) -> str | bool | int | float | None:
        """Draw a value for a trial."""
        return trial.suggest_categorical(name, self.choices)

    @property
    def example(self) -> str | bool | int | float | None:
        """Some value of it."""
        return self.choices[0]


Dimension = Annotated[FloatRange | IntRange | Choice, Field(discriminator="type")]


class SweepOptions(Options):
    """A search with Optuna's TPE (https://arxiv.org/abs/1907.10902), poor trials stopped early."""

    space: dict[str, Dimension] = Field(min_length=1)
    """Dimensions by dotted key of the experiment, such as ``learning.gamma``."""
    trials: PositiveInt = 20
    """Trials in total, pruned and earlier ones included."""
    metric: str = "evaluation/mean_distance"
    """Metric of the evaluations to optimise."""
    direction: Literal["maximize", "minimize"] = "maximize"
    """Whether higher or lower values are better."""
    startup_trials: NonNegativeInt = 5
    """Random trials at the start, never stopped early."""
    warmup_steps: NonNegativeInt = 0
    """Steps before a training can be stopped."""

    def changes(self, values: dict[str, Any]) -> dict[str, Any]:
        """Expand dotted keys to nested blocks."""
        nested: dict[str, Any] = {}
        for key, value in values.items():
            *path, last = key.split(".")
            block = nested
            for part in path:
                block = block.setdefault(part, {})
            block[last] = value
        return nested


def run_sweep(
    experiments: Experiments,
    experiment: str,
    sweep: SweepOptions,
    storage: BaseStorage,
    seed: Seed,
) -> Iterator[tuple[pd.DataFrame, dict[str, Any]]]:
    """Search over values of parameters; an interrupted search resumes.

    Trials are stored under a name that follows from experiment, space and seed, so that
    another search starts anew.

    Args:
        experiment: Name of the varied one; it must start from random weights.
        seed: Seed of the trainings and of the search.

    Yields:
        A row per trial, and the best one's value and parameters, after every trial.

    Raises:
        BadInputError: If there is no such experiment, it starts from another one, or a
            key of the space is none of its options.
    """
    base = plan_run(experiments, experiment, seed)
    if base.parent is not None:
        raise BadInputError(f"sweep: {experiment} begins with {base.parent.name}; sweep that one")
    _varied(base, sweep, {name: one.example for name, one in sweep.space.items()})
    study = _open_study(base, sweep, storage)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Left by an interrupted run.
        study.tell(trial.number, state=TrialState.FAIL)
    ended = len(study.get_trials(deepcopy=False, states=_ENDED))
    if ended:
        yield _results(study, base)
    left = range(ended, sweep.trials)
    for _ in tqdm(left, desc="sweep", unit=" trials", initial=ended, total=sweep.trials):
        _run_trial(study, base, sweep)
        yield _results(study, base)


def _open_study(base: ExperimentRun, sweep: SweepOptions, storage: BaseStorage) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searched = sweep.model_dump(mode="json", include={"space", "metric", "direction"})
    facts = json.dumps([base.task, searched], sort_keys=True)
    name = f"{base.key} {hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    study = optuna.create_study(
        storage=storage, study_name=name, direction=sweep.direction, load_if_exists=True
    )
    # A resumed search must not repeat the draws of the earlier process.
    study.sampler = optuna.samplers.TPESampler(
        seed=base.seed + len(study.get_trials(deepcopy=False)),
        n_startup_trials=sweep.startup_trials,
    )
    study.pruner = optuna.pruners.MedianPruner(sweep.startup_trials, sweep.warmup_steps)
    return study


def _run_trial(study: optuna.Study, base: ExperimentRun, sweep: SweepOptions) -> None:
    trial = study.ask()
    values = {name: one.suggest(trial, name) for name, one in sweep.space.items()}
    varied = replace(base, experiment=_varied(base, sweep, values))
    tags = {"experiment": base.name, "algorithm": varied.experiment.plan.learning.algorithm}
    with stage_run(f"trial {trial.number}", values, tags=tags) as sink:
        value, is_pruned = None, False
        for state in varied.training(None).run(sink=sink):
            history = training_result(state).history
            seen = history.loc[history["metric"] == sweep.metric, "value"]
            if seen.empty:
                known = ", ".join(sorted(set(history["metric"])))
                raise BadInputError(f"sweep.metric = {sweep.metric!r}: there are {known}")
            value = float(seen.max() if sweep.direction == "maximize" else seen.min())
            trial.report(value, int(state.facts["steps"]))  # type: ignore[arg-type]
            is_pruned = not state.finished and trial.should_prune()
            if is_pruned:
                break
        sink({"pruned": float(is_pruned)}, int(state.facts["steps"]))  # type: ignore[arg-type]
    if is_pruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, value)


def _varied(base: ExperimentRun, sweep: SweepOptions, values: dict[str, Any]) -> Experiment:
    fields = merged(base.experiment.model_dump(), sweep.changes(values))
    fields["training"]["progress_bar"] = False
    try:
        return Experiment.model_validate(fields)
    except ValidationError as error:
        raise BadInputError(
            f"sweep.space: {'; '.join(describe_validation_error(error))}"
        ) from error


def _results(study: optuna.Study, base: ExperimentRun) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if trial.value is not None else _last(trial),
            "steps": max(trial.intermediate_values, default=0),
            **trial.params,
        }
        for trial in study.get_trials(deepcopy=False, states=_ENDED)
    ]
    table = pd.DataFrame(rows)
    best: dict[str, Any] = {"experiment": base.name, "study": study.study_name}
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        best |= {
            "trial": study.best_trial.number,
            "value": study.best_value,
            "parameters": study.best_params,
        }
    return table, best


def _last(trial: optuna.trial.FrozenTrial) -> float | None:
    values = trial.intermediate_values
    return values[max(values)] if values else None
