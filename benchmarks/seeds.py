"""What several runs of ``world_record`` came to, one per training seed.

Reads the gates' reports and the summary that every run leaves in its ``data`` folder.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from qwop_wr.evaluation.statistics import estimate_statistic, interquartile_mean
from qwop_wr.pipelines.reporting.tables import as_seconds
from qwop_wr.pipelines.training.pipeline import STAGES


def read(folder: Path, name: str) -> dict[str, Any]:
    """Read a run's file.

    Args:
        folder: The run's ``data`` folder.
        name: Path of the JSON file in it.

    Returns:
        Its content.
    """
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def handed_on(gate: dict[str, Any]) -> dict[str, Any]:
    """Choose the score of the agent that a gate handed on.

    Args:
        gate: The gate's report.

    Returns:
        Its score on the gate's starts.
    """
    score: dict[str, Any] = gate["outgoing" if gate["promoted"] else "incoming"]
    return score


def gate_cell(gate: dict[str, Any]) -> str:
    """Lay a gate's decision out.

    Args:
        gate: The gate's report.

    Returns:
        A cell of the Markdown table: finish rate, median time and falls, before and after; only
        after if nobody finished before.
    """
    scores = [gate["incoming"], handed_on(gate)]
    scores = [score for score in scores if score["median_time"] is not None]
    rates = " → ".join(f"{100 * score['finish_rate']:.1f}" for score in scores)
    times = " → ".join(as_seconds(score["median_time"]) for score in scores)
    falls = " → ".join(str(sum(score["falls"].values())) for score in scores)
    kept = "" if gate["promoted"] else ", kept what came in"
    return f"{rates} %, {times}, {falls} falls{kept}"


def describe(seed: str, folder: Path) -> tuple[str, dict[str, float | None]]:
    """Sum one run up.

    Args:
        seed: Name of the run.
        folder: Its ``data`` folder.

    Returns:
        A row of the Markdown table, and the numbers that are averaged; None where nobody finished.
    """
    gates = {stage: read(folder, f"07_model_output/{stage}_gate.json") for stage in STAGES}
    summary = read(folder, "08_reporting/summary.json")
    rate, median = 100 * summary["finish_rate"], summary["median_time"]
    cells = [seed, *(gate_cell(gate) for gate in gates.values())]
    cells.append(f"{rate:.1f} %, {as_seconds(median)}, best {as_seconds(summary['best_time'])}")
    numbers = dict[str, float | None]()
    for stage, gate in gates.items():
        score = handed_on(gate)
        numbers[f"{stage}: finishes [%]"] = 100 * score["finish_rate"]
        numbers[f"{stage}: median [s]"] = score["median_time"]
    numbers |= {"500 seeds: finishes [%]": rate, "500 seeds: median [s]": median}
    return f"| {' | '.join(cells)} |", numbers | {"500 seeds: best [s]": summary["best_time"]}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="data folder of each run, by seed")
    parser.add_argument("--seeds", nargs="+", help="names of the runs; 1, 2, ... if omitted")
    arguments = parser.parse_args()
    names = arguments.seeds or [str(number + 1) for number in range(len(arguments.folders))]
    rows = [describe(*run) for run in zip(names, arguments.folders, strict=True)]
    print("| seed | stage 1 | stage 2 | stage 3 | final agent, 500 seeds |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(row for row, _ in rows))
    rng = np.random.default_rng(0)
    print("\n| interquartile mean | with its 95 % interval |\n| --- | --- |")
    for name in rows[0][1]:
        values = np.array([numbers[name] for _, numbers in rows], dtype=float)
        if np.isnan(values).any():
            print(f"| {name} | none: in a run nobody finished |")
            continue
        value, low, high = estimate_statistic(values, interquartile_mean, rng)
        interval = "" if low is None else f" ({low:.2f} to {high:.2f})"
        print(f"| {name} | {value:.2f}{interval} |")


if __name__ == "__main__":
    main()
