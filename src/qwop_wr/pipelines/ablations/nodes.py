"""Nodes that train variants of a stage and compare what becomes of them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from qwop_wr.agents.stage import StageOptions, StageResult
from qwop_wr.agents.trainer import StageGames, train_stage
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.ablations.options import AblationOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.tracking import stage_run

Cell = dict[str, Any]
"""What one training of one variant came to."""

MEASURES: Final = ("finish_rate", "median_time", "mean_cost", "last_finish_rate", "rollbacks")
"""Columns that are summed up: three of the agent handed on, on the gate's starts; finish
rate of the learner's last evaluation; and how often it had to be rolled back."""


def train_variants(
    finished: Mapping[str, Callable[[], Cell]],
    demonstrations: Recording,
    environment: EnvironmentOptions,
    games: GamesOptions,
    stage: StageOptions,
    evaluation: EvaluationOptions,
    options: AblationOptions,
) -> Iterator[dict[str, Cell]]:
    """Train every variant with every seed, from fresh networks.

    Args:
        finished: Cells of earlier runs, by ``variant/seed``; those of the same
            parameters and demonstrations are not trained again.
        demonstrations: What the variants learn from.
        environment: Environment that all pipelines share.
        games: Games of the stage.
        stage: Options of the stage that is varied.
        evaluation: Protocol whose noise the evaluated games have.
        options: The variants.

    Yields:
        One cell each, as soon as it is trained; seeds are the outer loop.

    Raises:
        BadInputError: If a variant's changes or the demonstrations do not fit.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    variants = {}
    for name in options.variants:
        with checking(f"ablations.variants.{name}"):
            variants[name] = options.stage(name, stage)
    played = games.environment(environment)
    noisy = randomised_environment(environment, evaluation)
    shared = [one.model_dump(mode="json") for one in (played, games, noisy)]
    data = hashlib.sha256(transitions.obs.tobytes() + transitions.actions.tobytes()).hexdigest()
    for seed in options.seeds:
        for name, variant in variants.items():
            facts = [*shared, variant.model_dump(mode="json"), data]
            task = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
            key = f"{name}/{seed}"
            if key in finished and finished[key]()["task"] == task:
                continue
            stage_games = StageGames(
                QwopVecEnv(QwopVectorEnv(games.n_games, played)),
                QwopVectorEnv(variant.evaluation_starts, noisy, autoreset=False),
            )
            spec = variant.agent_spec(environment.interface, environment.engine)
            with stage_run(f"{name} {seed}", {"options": variant}) as sink:
                result = train_stage(variant, stage_games, spec, None, transitions, seed, sink)
            yield {key: {"variant": name, "seed": seed, "task": task, **_outcome(result)}}


def _outcome(result: StageResult) -> Cell:
    rates = result.history.query("metric == 'evaluation/finish_rate'")["value"]
    return {
        **asdict(result.gate.outgoing),
        "last_finish_rate": float(rates.iloc[-1]),
        "rollbacks": result.rollbacks,
        "starts": result.gate.n_starts,
        "steps": int(result.history["step"].max()),
    }


def tabulate_variants(
    cells: Mapping[str, Callable[[], Cell]], options: AblationOptions
) -> tuple[pd.DataFrame, str, dict[str, Any]]:
    """Sum the trainings of every variant up.

    Args:
        cells: Trained cells by ``variant/seed``.
        options: The variants, and how intervals are made.

    Returns:
        A row per variant with, for every measure, the interquartile mean over the seeds
        (https://arxiv.org/abs/2108.13264) and its bootstrap interval; the same as a
        Markdown table; and its ``columns`` and ``rows`` as texts, for the report.

    Raises:
        BadInputError: If a variant has not been trained at all.
    """
    loaded = pd.DataFrame([load() for _, load in sorted(cells.items())])
    rng = np.random.default_rng(0)
    rows = []
    for name in options.variants:
        mine = loaded[(loaded["variant"] == name) & loaded["seed"].isin(options.seeds)]
        if mine.empty:
            raise BadInputError(f"ablations: variant {name!r} has not been trained yet")
        row: dict[str, Any] = {"variant": name, "seeds": len(mine)}
        for measure in MEASURES:
            low, mean, high = _estimate(mine[measure].dropna().to_numpy(float), options, rng)
            row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
        rows.append(row)
    table = pd.DataFrame(rows)
    columns, texts = _as_texts(table)
    return table, _as_markdown(columns, texts), {"columns": columns, "rows": texts}


def _estimate(
    values: np.ndarray[Any, Any], options: AblationOptions, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Low end, interquartile mean and high end; NaN where there is nothing to tell."""
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(stats.trim_mean(values, 0.25))
    if len(values) == 1:
        return np.nan, mean, np.nan
    interval = stats.bootstrap(
        (values,),
        lambda sample, axis: stats.trim_mean(sample, 0.25, axis=axis),
        n_resamples=options.resamples,
        confidence_level=options.confidence_level,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return float(interval.low), mean, float(interval.high)


def _as_texts(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Titles and rows of the table as one reads it."""
    heads = {
        "finish_rate": ("finish rate", 100.0, "{:.1f} %"),
        "median_time": ("median time", 1.0, "{:.2f} s"),
        "mean_cost": ("mean cost", 1.0, "{:.1f} s"),
        "last_finish_rate": ("finish rate at the end", 100.0, "{:.1f} %"),
        "rollbacks": ("rollbacks", 1.0, "{:.1f}"),
    }
    rows = []
    for row in table.to_dict("records"):
        texts = [str(row["variant"]), str(row["seeds"])]
        for measure, (_, factor, form) in heads.items():
            low, mean, high = (row[f"{measure}{end}"] for end in ("_low", "", "_high"))
            if np.isnan(mean):
                texts.append("none")
                continue
            text = form.format(factor * mean)
            if not np.isnan(low):
                bounds = [form.format(factor * end).split()[0] for end in (low, high)]
                text += f" ({bounds[0]} to {bounds[1]})"
            texts.append(text)
        rows.append(texts)
    return ["variant", "seeds", *(head for head, _, _ in heads.values())], rows


def _as_markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
