"""Several trainings from random weights in one table and one figure, or the way to the records.

Reads what ``kedro run --pipeline=expert`` leaves as ``expert_progress.csv``, one file
per training seed. With ``--records`` it draws the way to the records instead: a file with
columns platform, core_minutes, seconds and what.
"""

import argparse
from itertools import cycle
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.pipelines.reporting.style import ROLES, SERIES, drawing, new_figure


def describe(name: str, progress: pd.DataFrame) -> str:
    """Sum one training up.

    Args:
        name: Name of the training.
        progress: Its findings, as the expert pipeline leaves them.

    Returns:
        A row of the Markdown table.
    """
    tapes = progress.dropna(subset=["best_tape"])
    beaten = tapes[tapes["best_tape"] < HUMAN_RECORD.seconds]
    alone = progress.loc[progress["phase"] == "training", "time"].min()
    first = "never" if beaten.empty else f"{beaten['core_minutes'].iloc[0]:.1f} core-minutes"
    best = f"{tapes['best_tape'].min():.2f} s" if len(tapes) else "none"
    total = f"{progress['core_minutes'].max():.1f} core-minutes"
    return f"| {name} | {alone:.2f} s | {first} | {best} | {total} |"


def draw(trainings: dict[str, pd.DataFrame]) -> Figure:
    """Draw the fastest tape of every training against processor time.

    Args:
        trainings: Findings by name.

    Returns:
        The figure.
    """
    with drawing():
        figure, axes = new_figure()
        for (name, progress), colour in zip(trainings.items(), cycle(SERIES), strict=False):
            training = progress[progress["phase"] == "training"]
            tapes = progress.dropna(subset=["best_tape"])
            axes.plot(training["core_minutes"], training["time"], color=colour, lw=1, ls=":")
            minutes, times = tapes["core_minutes"], tapes["best_tape"]
            axes.step(minutes, times, where="post", color=colour, label=name)
        mark_human_record(axes)
        axes.set(xlabel="core-minutes since random weights", ylabel="100 m [s]", ylim=(38, 70))
        axes.legend()
        return figure


def mark_human_record(axes: Axes, linestyle: str = "-") -> None:
    """Draw the human record as a line across a figure.

    Args:
        axes: Where to draw; their y axis is the time of the 100 m.
        linestyle: Matplotlib's name of it.
    """
    axes.axhline(HUMAN_RECORD.seconds, color=ROLES["human"], linewidth=1, linestyle=linestyle)
    axes.annotate(
        f"human record {HUMAN_RECORD.seconds} s",
        (0.0, HUMAN_RECORD.seconds),
        xycoords=("axes fraction", "data"),
        xytext=(2, 4),
        textcoords="offset points",
        color=ROLES["human"],
        fontsize=9,
    )


def draw_records(progress: pd.DataFrame) -> Figure:
    """Draw the best time of every platform against processor time.

    Args:
        progress: Best times, in the order in which they were found.

    Returns:
        The figure.
    """
    with drawing():
        figure, axes = new_figure()
        last = progress["core_minutes"].max()
        for (name, found), colour in zip(progress.groupby("platform"), SERIES, strict=False):
            minutes, times = found["core_minutes"].to_numpy(), found["seconds"].cummin().to_numpy()
            axes.step(
                [*minutes / 60, last / 60], [*times, times[-1]], where="post", color=colour, lw=1.5
            )
            axes.plot(
                minutes[-1] / 60, times[-1], "o", color=colour, label=f"{name} {times[-1]:.2f} s"
            )
        mark_human_record(axes, ":")
        axes.set(xlabel="processor hours since random weights", ylabel="100 m [s]", xlim=(0, None))
        axes.legend()
        return figure


def main() -> None:
    """Print the table and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="expert_progress.csv of each training")
    parser.add_argument("--records", action="store_true", help="draw the way to the records")
    parser.add_argument("--figure", type=Path, required=True, help="PNG to write")
    arguments = parser.parse_args()
    if arguments.records:
        progress = pd.concat([pd.read_csv(file) for file in arguments.files])
        draw_records(progress).savefig(arguments.figure, dpi=144)
        return
    trainings = {file.stem.replace("_", " "): pd.read_csv(file) for file in arguments.files}
    print(
        "| training | fastest run without search | human record beaten after | best tape | in all |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, progress in trainings.items():
        print(describe(name, progress))
    draw(trainings).savefig(arguments.figure, dpi=144)


if __name__ == "__main__":
    main()
