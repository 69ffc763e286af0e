"""The report's charts (learning, distances, times, profile, splits) and pictures of the runner.

Every chart is a matplotlib figure that also exists when there is nothing to show. The same
figures serve the report (as themed SVG) and kedro-viz (as images). The runner is drawn as the
physics has him: twelve boxes, here with rounded corners; no art of the original game is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from qwop_wr.evaluation.episodes import SPLIT_MARKS, finish_times
from qwop_wr.evaluation.references import HUMAN_RECORD, HUMAN_SPLITS, REFERENCE_TIMES
from qwop_wr.evaluation.statistics import estimate_finish_by, finish_profile
from qwop_wr.evaluation.trajectory import Trajectory
from qwop_wr.pipelines.reporting.style import (
    FULL_WIDTH,
    ROLES,
    SERIES,
    drawing,
    new_figure,
    say_nothing_to_show,
)
from qwop_wr.simulator.anatomy import PART_INDEX, PARTS
from qwop_wr.simulator.constants import (
    CLOCK_STEP,
    GROUND_Y,
    HURDLE_PX,
    PIXELS_PER_UNIT,
    TRACK_LENGTH,
    UNITS_PER_METRE,
)
from qwop_wr.simulator.keys import O, P, Q, W

END_COLOURS: Final[Mapping[str, str]] = {
    "fall": ROLES["series-1"],
    "timeout": ROLES["series-4"],
}
"""Colour of each way to end without a finish."""

HURDLE_PLACE: Final = HURDLE_PX / PIXELS_PER_UNIT / UNITS_PER_METRE
"""Where the hurdle stands [m]."""

STILL_MARKS: Final = range(0, 101, 10)
"""Distances at which the film strip shows the runner [m]."""

_KEYS: Final = (("Q", Q), ("W", W), ("O", O), ("P", P))
_VIEW: Final = (18.0, 18.5)
_BELOW_GROUND: Final = 0.6
_BACK_TO_FRONT: Final = (
    "left_arm",
    "left_forearm",
    "left_thigh",
    "left_calf",
    "left_foot",
    "head",
    "torso",
    "right_thigh",
    "right_calf",
    "right_foot",
    "right_arm",
    "right_forearm",
)
_SPECS: Final = {part.name: part for part in PARTS}


def draw_learning_curves(histories: Mapping[str, pd.DataFrame], metric: str, label: str) -> Figure:
    """Draw one metric over the environment steps of all stages, end to end.

    Args:
        histories: Name of each stage, in order, to its history in long form with
            the columns ``step``, ``metric`` and ``value``.
        metric: Metric to draw; a percentage if its name ends in ``rate``.
    """
    with drawing():
        figure, axes = new_figure()
        offset, drawn = 0, False
        for (stage, history), colour in zip(histories.items(), cycle(SERIES), strict=False):
            points = history.loc[history["metric"] == metric].sort_values("step")
            if len(points):
                steps = offset + points["step"].to_numpy()
                axes.plot(steps, points["value"].to_numpy(), color=colour, marker="o", ms=3)
                axes.annotate(
                    stage,
                    (float(steps[0]), 1.0),
                    xycoords=("data", "axes fraction"),
                    xytext=(2, 5),
                    textcoords="offset points",
                    color=colour,
                    fontsize=9,
                )
                drawn = True
            if offset:
                axes.axvline(offset, color=ROLES["grid"], linewidth=1)
            offset += int(history["step"].max()) if len(history) else 0
        if not drawn:
            say_nothing_to_show(axes, "No stage was measured while it learned.")
        axes.set(xlabel="decisions learnt from, all stages", ylabel=label)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.xaxis.set_major_formatter(EngFormatter())
        if metric.endswith("rate"):
            axes.set_ylim(0, 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        return figure


def draw_distances(episodes: pd.DataFrame) -> Figure:
    """Draw a histogram of where the runs that did not finish ended, coloured by why."""
    unfinished = episodes.loc[~episodes["finished"].to_numpy(dtype=bool)]
    with drawing():
        figure, axes = new_figure()
        axes.set(xlabel="distance at the end [m]", ylabel="runs", xlim=(-5, TRACK_LENGTH + 1))
        if not len(unfinished):
            axes.set(yticks=[], ylim=(0, 1))
            say_nothing_to_show(axes, "Every run finished.")
            return figure
        shown = {
            end: unfinished.loc[unfinished["end"] == end, "distance"]
            .clip(-5, TRACK_LENGTH)
            .to_numpy()
            for end in END_COLOURS
            if (unfinished["end"] == end).any()
        }
        axes.hist(
            list(shown.values()),
            bins=list(np.arange(-5, TRACK_LENGTH + 5, 2.5)),
            stacked=True,
            color=[END_COLOURS[end] for end in shown],
            label=[f"{end} ({len(distances)})" for end, distances in shown.items()],
        )
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right")
        return figure


def draw_survival(episodes: pd.DataFrame) -> Figure:
    """Draw the share of runs that passed each point of the track."""
    finished = episodes["finished"].to_numpy(dtype=bool)
    distance = episodes["distance"].to_numpy(dtype=np.float64)
    ends = np.sort(np.where(finished, TRACK_LENGTH, np.clip(distance, 0.0, TRACK_LENGTH)))
    past = 1.0 - np.arange(1, len(ends) + 1) / len(ends)
    lost = ends < TRACK_LENGTH
    grid = np.concatenate([[0.0], ends[lost], [TRACK_LENGTH]])
    share = np.concatenate([[1.0], past[lost]])
    with drawing():
        figure, axes = new_figure()
        axes.fill_between(
            grid, [*share, share[-1]], step="post", color=ROLES["track"], alpha=0.15, linewidth=0
        )
        axes.step(grid, [*share, share[-1]], where="post", color=ROLES["track"])
        axes.axvline(HURDLE_PLACE, color=ROLES["muted"], linewidth=1, linestyle=(0, (4, 3)))
        _write_at_top(axes, HURDLE_PLACE, "hurdle", ROLES["muted"])
        axes.set(xlabel="distance [m]", ylabel="runs still going")
        axes.set(xlim=(0, TRACK_LENGTH), ylim=(0, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        return figure


def draw_finish_times(episodes: pd.DataFrame) -> Figure:
    """Draw the distribution of the finish times, its median marked."""
    times = finish_times(episodes)
    with drawing():
        figure, axes = new_figure()
        axes.set(xlabel="finish time [s]", ylabel="runs")
        if len(times):
            axes.hist(times, bins=min(40, max(5, len(times) // 8)), color=ROLES["track"])
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            median = float(np.median(times))
            axes.axvline(median, color=ROLES["ink"], linewidth=1.5)
            _write_at_top(axes, median, f"median {median:.2f}", ROLES["ink"])
        else:
            axes.set(xlim=(40, 70), ylim=(0, 1), yticks=[])
            say_nothing_to_show(axes, "No run finished, so there are no times yet.")
        return figure


def draw_profile(episodes: pd.DataFrame, confidence_level: float = 0.95) -> Figure:
    """Draw P(finish within t) with its Wilson band and the times to beat; a fall never finishes."""
    times, trials = finish_times(episodes), len(episodes)
    seconds, probability = finish_profile(times, trials)
    marks = [reference.seconds for reference in REFERENCE_TIMES]
    end = max([*marks, *times[-1:], *seconds[-1:]]) + 2.0
    start = min([*marks, *seconds[:1]]) - 2.0
    with drawing():
        figure, axes = new_figure()
        bands = [estimate_finish_by(times, trials, mark, confidence_level) for mark in seconds]
        none = estimate_finish_by(times, trials, start, confidence_level)
        grid = np.concatenate([[start], seconds, [end]])
        heights = np.concatenate([[0.0], probability, probability[-1:] if len(seconds) else [0.0]])
        low, high = ([getattr(band, side) for band in (none, *bands)] for side in ("low", "high"))
        axes.fill_between(
            grid,
            [*low, low[-1]],
            [*high, high[-1]],
            step="post",
            color=ROLES["track"],
            alpha=0.18,
            linewidth=0,
        )
        axes.step(grid, heights, where="post", color=ROLES["track"])
        _mark_references(axes)
        axes.set(xlabel="time [s]", ylabel="P(finish within t)", xlim=(start, end), ylim=(0, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        if not len(times):
            say_nothing_to_show(axes, "No run finished.")
        return figure


def draw_splits(splits: Mapping[int, float]) -> Figure:
    """Draw how far ahead of the human record a run was at each of its marks; upwards is ahead.

    Args:
        splits: Clock [s] at the marks [m] that the run passed; the last mark is the
            finish.
    """
    gaps = {mark: HUMAN_SPLITS[mark] - splits[mark] for mark in HUMAN_SPLITS if mark in splits}
    with drawing():
        figure, axes = new_figure()
        axes.set(ylabel="seconds ahead of the human record")
        axes.set_xticks(range(len(HUMAN_SPLITS)), [_mark_name(mark) for mark in HUMAN_SPLITS])
        for place, mark in enumerate(HUMAN_SPLITS):
            gap = gaps.get(mark, 0.0)
            colour = ROLES["series-2"] if gap >= 0 else ROLES["series-1"]
            text = f"{gap:+.2f}\nat {splits[mark]:.2f} s" if mark in gaps else "not reached"
            bar = axes.bar(place, gap, width=0.6, color=colour)
            axes.bar_label(bar, [text], padding=4, fontsize=9)
        axes.axhline(0, color=ROLES["human"], linewidth=1.5)
        highest, lowest = max([0.0, *gaps.values()]), min([0.0, *gaps.values()])
        room = 0.28 * max(highest - lowest, 1.0)
        axes.set_ylim(lowest - room * (lowest < 0), highest + room * (highest > 0 or not gaps))
        axes.tick_params(axis="x", length=0)
        return figure


def draw_speed(clock: np.ndarray, distance: np.ndarray) -> Figure:
    """Draw a run's speed along the track, averaged over a second, beside the human record's.

    Args:
        clock: The game's clock after each tick [s], shape (T + 1,).
        distance: Where the torso was [m], shape (T + 1,).
    """
    lag = round(1.0 / CLOCK_STEP)
    with drawing():
        figure, axes = new_figure()
        axes.set(xlabel="distance [m]", ylabel="speed [m/s]", xlim=(0, TRACK_LENGTH + 1))
        if len(clock) <= lag:
            say_nothing_to_show(axes, "The run was too short for a speed.")
            return figure
        speed = (distance[lag:] - distance[:-lag]) / (clock[lag:] - clock[:-lag])
        middle = (distance[lag:] + distance[:-lag]) / 2
        axes.plot(middle, speed, color=ROLES["track"], linewidth=1.4)
        human = TRACK_LENGTH / HUMAN_RECORD.seconds
        axes.axhline(human, color=ROLES["human"], linewidth=1.2, linestyle=(0, (4, 3)))
        return figure


def _mark_name(mark: int) -> str:
    return "finish" if mark == SPLIT_MARKS[-1] else f"{mark} m"


def _write_at_top(axes: Axes, x: float, text: str, colour: str, level: int = 0) -> None:
    axes.annotate(
        text,
        (x, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4 + 11 * level),
        textcoords="offset points",
        ha="center",
        color=colour,
        fontsize=9,
    )


def _mark_references(axes: Axes) -> None:
    for rank, reference in enumerate(REFERENCE_TIMES):
        colour = ROLES["human"] if reference.human else ROLES["muted"]
        axes.axvline(reference.seconds, color=colour, linewidth=1, linestyle=(0, (4, 3)))
        # The fastest three are so close that their labels must be staggered.
        _write_at_top(axes, reference.seconds, f"{reference.seconds:.2f}", colour, max(0, 2 - rank))


@dataclass(frozen=True)
class Still:
    """One picture of a film strip, an ``<svg>`` element, with distance and clock as texts."""

    place: str
    clock: str
    picture: Markup


def draw_runner(state: NDArray[np.float64]) -> Markup:
    """Draw the runner on the ground as an ``<svg>`` element.

    Style sheets colour its classes ``far``, ``near``, ``head``, ``torso`` and ``ground``.

    Args:
        state: Parts' x, y, angle and velocities, shape (12, 6).
    """
    width, height = _VIEW
    left, top = state[PART_INDEX["torso"], 0] - width / 2, GROUND_Y + _BELOW_GROUND - height
    shapes = [
        _part(name, state[PART_INDEX[name]] - np.array([left, top, 0, 0, 0, 0]))
        for name in _BACK_TO_FRONT
    ]
    ground = f'<path class="ground" d="M0 {GROUND_Y - top:.2f}H{width:g}"/>'
    return Markup(  # noqa: S704 - made of numbers and fixed names only
        f'<svg class="runner" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f"{ground}{''.join(shapes)}</svg>"
    )


def draw_film_strip(trace: Trajectory) -> list[Still]:
    """Draw the runner where he passes each of :data:`STILL_MARKS`, and where the run ended."""
    passed = [(mark, trace.first_passing(mark)) for mark in STILL_MARKS]
    stills = [
        Still(f"{mark} m" if mark else "start", f"{trace.clock[moment]:.1f} s", _at(trace, moment))
        for mark, moment in passed
        if moment is not None
    ]
    last = "finish" if trace.finished else f"{trace.distance[-1]:.1f} m, the end"
    return [*stills, Still(last, f"{trace.clock[-1]:.2f} s", _at(trace, -1))]


def draw_keys(trace: Trajectory) -> Figure:
    """Draw when each key was down, a lane per key."""
    with drawing():
        figure, axes = new_figure(FULL_WIDTH)
        for lane, (_, bit) in enumerate(_KEYS):
            down = np.concatenate([[0], (trace.keys & bit) > 0, [0]]).astype(np.int8)
            starts, ends = np.flatnonzero(np.diff(down) > 0), np.flatnonzero(np.diff(down) < 0)
            spans = [
                (trace.clock[start], trace.clock[end] - trace.clock[start])
                for start, end in zip(starts, ends, strict=True)
            ]
            axes.broken_barh(spans, (lane - 0.36, 0.72), facecolors=SERIES[lane])
        axes.set_yticks(range(len(_KEYS)), [name for name, _ in _KEYS])
        axes.tick_params(axis="y", labelcolor=ROLES["ink"])
        axes.set(xlabel="clock [s]", xlim=(0, trace.clock[-1]), ylim=(len(_KEYS) - 0.5, -0.5))
        axes.grid(visible=False)
        return figure


def _at(trace: Trajectory, moment: int) -> Markup:
    return draw_runner(trace.state[moment])


def _part(name: str, pose: NDArray[np.float64]) -> str:
    spec = _SPECS[name]
    side, _, limb = name.partition("_")
    kind = {"left": "far", "right": "near"}.get(side, name) if limb else name
    radius = min(spec.half_width, spec.half_height) * (0.9 if name != "torso" else 0.6)
    return (
        f'<rect class="{kind}" x="{-spec.half_width:g}" y="{-spec.half_height:g}"'
        f' width="{2 * spec.half_width:g}" height="{2 * spec.half_height:g}" rx="{radius:.2f}"'
        f' transform="translate({pose[0]:.2f} {pose[1]:.2f}) rotate({np.degrees(pose[2]):.1f})"/>'
    )
