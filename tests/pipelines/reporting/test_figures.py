import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qwop_wr.evaluation.references import HUMAN_SPLITS, REFERENCE_TIMES
from qwop_wr.evaluation.trajectory import Trajectory, tape_trajectory
from qwop_wr.pipelines.reporting import figures
from qwop_wr.pipelines.reporting.style import ROLES, themed_svg
from qwop_wr.simulator.tape import Tape
from tests.evaluation.tables import episode_table
from tests.pipelines.reporting.conftest import history


def texts(figure: Figure) -> str:
    axes = figure.axes[0]
    return " ".join(text.get_text() for text in axes.texts)


def lines(figure: Figure) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (np.asarray(x), np.asarray(y)) for x, y in (ln.get_data() for ln in figure.axes[0].lines)
    ]


class TestLearningCurves:
    def test_stages_follow_one_another(self) -> None:
        histories = {"dqnfd": history(1), "velocity": history(2)}
        figure = figures.draw_learning_curves(histories, "evaluation/mean_distance", "m")
        curves = [x for x, _ in lines(figure) if len(x) == 5]
        assert [x[0] for x in curves] == [0, 1000]
        assert [x[-1] for x in curves] == [1000, 2000]
        assert "dqnfd" in texts(figure)
        assert "velocity" in texts(figure)

    def test_values_are_those_of_the_metric(self) -> None:
        table = history(1)
        figure = figures.draw_learning_curves({"s": table}, "evaluation/finish_rate", "rate")
        expected = table.loc[table["metric"] == "evaluation/finish_rate", "value"]
        assert lines(figure)[0][1].tolist() == expected.tolist()

    @pytest.mark.parametrize("histories", [{}, {"empty": history(1).iloc[:0]}])
    def test_says_when_nothing_was_measured(self, histories: dict[str, pd.DataFrame]) -> None:
        figure = figures.draw_learning_curves(histories, "evaluation/mean_distance", "m")
        assert "No stage was measured" in texts(figure)


class TestEvaluation:
    def test_profile_ends_at_the_finish_rate(self) -> None:
        figure = figures.draw_profile(episode_table([46.0, 50.0, None, None]))
        x, y = next((x, y) for x, y in lines(figure) if len(x) > 2)
        assert y[-1] == 0.5
        assert y[x == 46.0].tolist() == [0.25]
        marks = {float(x[0]) for x, y in lines(figure) if len(x) == 2}
        assert marks == {reference.seconds for reference in REFERENCE_TIMES}

    def test_survival_falls_to_the_finish_rate(self) -> None:
        table = episode_table([46.0, None, None, None], distances=[0, 10.0, 30.0, 30.0])
        x, y = lines(figures.draw_survival(table))[0]
        for place, share in [(0.0, 1.0), (9.9, 1.0), (10.0, 0.75), (30.0, 0.25), (100.0, 0.25)]:
            assert y[x <= place][-1] == share

    def test_distances_count_the_unfinished(self) -> None:
        table = episode_table([46.0, None, None], distances=[0, 10.0, 99.0])
        axes = figures.draw_distances(table).axes[0]
        assert sum(patch.get_height() for patch in axes.patches) == 2  # type: ignore[attr-defined]
        assert axes.get_legend_handles_labels()[1] == ["fall (2)"]

    def test_finish_times_mark_the_median(self) -> None:
        figure = figures.draw_finish_times(episode_table([46.0, 50.0, 48.5, None]))
        assert "median 48.50" in texts(figure)

    def test_speak_up_when_there_is_nothing(self) -> None:
        nobody, everybody = episode_table([None, None]), episode_table([47.0])
        assert "No run finished" in texts(figures.draw_profile(nobody))
        assert "No run finished" in texts(figures.draw_finish_times(nobody))
        assert "Every run finished" in texts(figures.draw_distances(everybody))
        assert lines(figures.draw_survival(everybody))[0][1].tolist() == [1.0, 1.0]


class TestRun:
    def test_splits_are_leads_over_the_human_record(self) -> None:
        figure = figures.draw_splits({10: 6.64, 20: 10.0, 50: 25.38})
        heights = [patch.get_height() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
        assert heights == pytest.approx([1.0, -1.0, 0.0, 0.0])
        assert texts(figure).count("not reached") == 2
        assert "+1.00" in texts(figure)
        assert f"{HUMAN_SPLITS[10] - 1:.2f} s" in texts(figure)

    def test_speed_is_distance_over_time(self) -> None:
        clock = np.arange(1, 122) / 30
        figure = figures.draw_speed(clock, 2.5 * clock)
        assert lines(figure)[0][1] == pytest.approx(np.full(91, 2.5))
        assert "too short" in texts(figures.draw_speed(clock[:10], clock[:10]))

    def test_film_strip_shows_the_marks_and_the_end(self) -> None:
        state = np.zeros((4, 12, 6))
        trace = Trajectory(
            keys=np.zeros(3, dtype=np.uint8),
            clock=np.array([0.1, 5.0, 9.0, 12.0]),
            distance=np.array([0.0, 10.2, 21.0, 20.5]),
            state=state,
            hurdle=np.zeros((4, 2, 6)),
            finished=False,
        )
        stills = figures.draw_film_strip(trace)
        assert [still.place for still in stills] == ["start", "10 m", "20 m", "20.5 m, the end"]
        assert [still.clock for still in stills] == ["0.1 s", "5.0 s", "9.0 s", "12.00 s"]

    def test_runner_has_twelve_parts_where_the_state_says(self, tape: Tape) -> None:
        state = tape_trajectory(tape).state[0]
        svg = ET.fromstring(figures.draw_runner(state))  # noqa: S314 - our own
        parts = [rect for rect in svg if rect.tag == "rect"]
        assert len(parts) == 12
        torso = next(rect for rect in parts if rect.get("class") == "torso")
        # The picture is 18 units wide with the torso in the middle.
        assert "translate(9.00 " in str(torso.get("transform"))
        assert f"rotate({np.degrees(state[0, 2]):.1f})" in str(torso.get("transform"))

    def test_keys_are_drawn_for_as_long_as_they_were_held(self, tape: Tape) -> None:
        trace = tape_trajectory(tape)
        figure = figures.draw_keys(trace)
        held = []
        for lane in figure.axes[0].collections:
            widths = [np.ptp(np.asarray(path.vertices)[:, 0]) for path in lane.get_paths()]
            held.append(round(sum(widths) * 30))
        assert held == [int(((trace.keys & bit) > 0).sum()) for bit in (1, 2, 4, 8)]


class TestTheme:
    def test_colours_become_variables(self) -> None:
        svg = themed_svg(figures.draw_profile(episode_table([46.0, None])), "Profile")
        assert f"var(--track, {ROLES['track']})" in svg
        assert ROLES["track"] not in svg.replace(f"var(--track, {ROLES['track']})", "")
        assert 'aria-label="Profile"' in svg
        ET.fromstring(svg)  # noqa: S314 - our own

    def test_is_the_same_every_time(self) -> None:
        table = episode_table([46.0, 50.0, None])
        first = themed_svg(figures.draw_profile(table), "Profile")
        assert themed_svg(figures.draw_profile(table), "Profile") == first

    def test_names_are_text_and_not_markup(self) -> None:
        figure = figures.draw_learning_curves(
            {"<b>$\\frac{</b>": history(1)}, "evaluation/mean_distance", "m"
        )
        svg = themed_svg(figure, 'a "label" <i>')
        assert "<b>" not in svg
        assert "&lt;b&gt;$\\frac{&lt;/b&gt;" in svg
        assert ET.fromstring(svg).get("aria-label") == 'a "label" <i>'  # noqa: S314 - our own
