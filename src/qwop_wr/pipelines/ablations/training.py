"""One training of one variant, wherever it is done."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from qwop_wr.agents.stage import StageGames, StageInputs, StageOptions, StageResult, train_stage
from qwop_wr.agents.transitions import Transitions
from qwop_wr.compute import WorkContext
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.tracking import stage_run


@dataclass(frozen=True, eq=False)
class VariantTraining:
    """What all trainings have in common.

    Attributes:
        demonstrations: What they learn from.
        n_games: Games to learn in.
        games: How these are played.
        evaluation: How the games of evaluations are played.
    """

    demonstrations: Transitions
    n_games: int
    games: EnvironmentOptions
    evaluation: EnvironmentOptions


@dataclass(frozen=True)
class Variant:
    """A training to be made.

    Attributes:
        name: Name of the variant.
        seed: Seed of everything random.
        options: How to train.
    """

    name: str
    seed: int
    options: StageOptions


@dataclass(frozen=True, eq=False)
class TrainedVariant:
    """What came of a training.

    Attributes:
        outcome: Its numbers, as JSON values.
        unlogged: Metrics that are not in MLflow yet, because it was done in another
            process: ``step``, ``metric``, ``value``.
    """

    outcome: Mapping[str, Any]
    unlogged: pd.DataFrame | None

    def log(self, variant: Variant) -> None:
        """Give the training its child run, if it has none yet.

        Args:
            variant: What was trained.
        """
        if self.unlogged is None:
            return
        with stage_run(_title(variant), {"options": variant.options}) as sink:
            for step, rows in self.unlogged.groupby("step", sort=True):
                sink(dict(zip(rows["metric"], rows["value"], strict=True)), int(str(step)))


def train_variant(
    training: VariantTraining, variant: Variant, context: WorkContext
) -> TrainedVariant:
    """Train a variant from a fresh network.

    In the process that asks for it, it is a child of the MLflow run and shows its
    own progress.

    Args:
        training: What all trainings have in common.
        variant: What to train.
        context: Where this is done.

    Returns:
        What came of it.
    """
    games = StageGames(
        QwopVecEnv(QwopVectorEnv(training.n_games, training.games)),
        QwopVectorEnv(variant.options.evaluation_starts, training.evaluation, autoreset=False),
    )
    interface, engine = training.games.interface, training.games.engine
    spec = variant.options.agent_spec(interface, engine)
    shows = variant.options.progress_bar and context.in_process
    options = variant.options.model_copy(update={"progress_bar": shows})
    began = time.process_time()
    with stage_run(_title(variant), {"options": variant.options}) as sink:
        inputs = StageInputs(None, training.demonstrations, variant.seed)
        result = train_stage(options, games, spec, inputs, sink)
    outcome = _outcome(result) | {"processor_seconds": time.process_time() - began}
    return TrainedVariant(outcome, None if context.in_process else result.history)


def describe_variant(variant: Variant) -> str:
    """Name a training.

    Args:
        variant: What is trained.

    Returns:
        Such as ``variant full, seed 2``.
    """
    return f"variant {variant.name}, seed {variant.seed}"


def _title(variant: Variant) -> str:
    return f"{variant.name} {variant.seed}"


def _outcome(result: StageResult) -> dict[str, Any]:
    rates = result.history.query("metric == 'evaluation/finish_rate'")["value"]
    return {
        **asdict(result.gate.outgoing),
        "last_finish_rate": float(rates.iloc[-1]),
        "rollbacks": result.rollbacks,
        "starts": result.gate.n_starts,
        "steps": int(result.history["step"].max()),
    }
