"""Nodes that search over parameters of an experiment."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import optuna
import pandas as pd
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from pydantic import ValidationError
from tqdm import tqdm

from qwop_wr.agents.ppo_training import training_result
from qwop_wr.errors import BadInputError, describe_validation_error
from qwop_wr.evaluation.options import Seed
from qwop_wr.pipelines.sweep.options import SweepOptions
from qwop_wr.pipelines.train.assignments import Assignment, assign
from qwop_wr.pipelines.train.options import Experiment, Experiments, Scale, merged
from qwop_wr.tracking import stage_run

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def run_sweep(
    experiments: Experiments,
    experiment: str,
    scale: Scale,
    sweep: SweepOptions,
    storage: BaseStorage,
    seed: Seed,
) -> Iterator[tuple[pd.DataFrame, dict[str, Any]]]:
    """Try values of parameters; an interrupted search goes on where it was.

    Trials are kept in the storage under a name that follows from experiment, space and
    seed, so that another search begins anew.

    Args:
        experiments: All experiments.
        experiment: Name of the one that is varied; it must begin from random weights.
        scale: Its scale.
        sweep: Parameters and number of trials.
        storage: Where trials are kept.
        seed: Seed of the trainings and of the search.

    Yields:
        A row per trial, and the best one's value and parameters, after every trial.

    Raises:
        BadInputError: If there is no such experiment, it begins with another one, or a
            key of the space is none of its options.
    """
    base = assign(experiments, experiment, scale, seed)
    if base.parent is not None:
        raise BadInputError(f"sweep: {experiment} begins with {base.parent.name}; sweep that one")
    _varied(base, sweep, {name: one.example for name, one in sweep.space.items()})
    study = _open_study(base, sweep, storage)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Left behind by a run that was stopped.
        study.tell(trial.number, state=TrialState.FAIL)
    ended = len(study.get_trials(deepcopy=False, states=_ENDED))
    if ended:
        yield _results(study, base)
    left = range(ended, sweep.trials)
    for _ in tqdm(left, desc="sweep", unit=" trials", initial=ended, total=sweep.trials):
        _run_trial(study, base, sweep)
        yield _results(study, base)


def _open_study(base: Assignment, sweep: SweepOptions, storage: BaseStorage) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searched = sweep.model_dump(mode="json", include={"space", "metric", "direction"})
    facts = json.dumps([base.task, searched], sort_keys=True)
    name = f"{base.key} {hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    study = optuna.create_study(
        storage=storage, study_name=name, direction=sweep.direction, load_if_exists=True
    )
    # Each process draws differently from the one before, which has used up its draws.
    study.sampler = optuna.samplers.TPESampler(
        seed=base.seed + len(study.get_trials(deepcopy=False)),
        n_startup_trials=sweep.startup_trials,
    )
    study.pruner = optuna.pruners.MedianPruner(sweep.startup_trials, sweep.warmup_steps)
    return study


def _run_trial(study: optuna.Study, base: Assignment, sweep: SweepOptions) -> None:
    trial = study.ask()
    values = {name: one.suggest(trial, name) for name, one in sweep.space.items()}
    varied = replace(base, experiment=_varied(base, sweep, values))
    tags = {"experiment": base.name, "algorithm": varied.experiment.learning.algorithm}
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


def _varied(base: Assignment, sweep: SweepOptions, values: dict[str, Any]) -> Experiment:
    fields = merged(base.experiment.model_dump(), sweep.changes(values))
    fields["training"]["progress_bar"] = False
    try:
        return Experiment.model_validate(fields)
    except ValidationError as error:
        raise BadInputError(
            f"sweep.space: {'; '.join(describe_validation_error(error))}"
        ) from error


def _results(study: optuna.Study, base: Assignment) -> tuple[pd.DataFrame, dict[str, Any]]:
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
    best: dict[str, Any] = {"experiment": base.name, "scale": base.scale, "study": study.study_name}
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
