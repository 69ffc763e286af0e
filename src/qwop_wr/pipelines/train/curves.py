"""Learning curves of experiments."""

from collections.abc import Mapping
from itertools import cycle
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.pipelines.reporting.figures_style import SERIES, drawing

_PANELS: Final = {
    "evaluation/mean_distance": "mean distance [m]",
    "train/value": "mean target of a batch",
}
"""Metrics and what their axes say; values only where the algorithm tells them."""


def draw_curve(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how far evaluated agents ran, and what value learners believed, against steps.

    Args:
        histories: Metrics in long form by experiment.

    Returns:
        The figure, one line per experiment.
    """
    with drawing():
        told = {metric for history in histories.values() for metric in history["metric"].unique()}
        shown = {metric: label for metric, label in _PANELS.items() if metric in told}
        figure = Figure(figsize=(9.0, 2.8 * len(shown)), layout="constrained")
        panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (metric, label) in zip(panels, shown.items(), strict=True):
            colours = cycle(SERIES)
            styles = ["-", "--", ":", "-."]
            for index, (name, history) in enumerate(histories.items()):
                rows = history[history["metric"] == metric]
                axes.plot(
                    rows["step"],
                    rows["value"],
                    color=next(colours),
                    linestyle=styles[index // len(SERIES) % len(styles)],
                    label=name,
                )
            axes.set_ylabel(label)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, fontsize=8, handlelength=3.5, loc="outside right upper")
        panels[-1].set_xlabel("steps of the training, all games together")
        return figure
