import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.evaluation.trajectory import Trajectory
from qwop_wr.pipelines.reporting import content, tables
from qwop_wr.pipelines.reporting.content import ReportInputs
from qwop_wr.pipelines.reporting.report import choose_films, render_report
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.pipelines.reporting.conftest import KEPT, PROMOTED, make_inputs

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page: its words, its tags, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_tells_the_story(finishing: ReportInputs) -> None:
    text = Page(render_report(finishing)).text
    assert "75.0 %" in text
    assert "47.75 s" in text
    assert "best of 8 seeds" in text
    assert "Human record" in text
    assert "promoted" in text
    assert "kept what came in" in text
    assert "30.0 % 50.0 %" in text
    assert "qwop verify" in text
    assert "31,204" in text
    assert "0123abc" in text


@pytest.mark.parametrize(
    ("engine", "platform", "browsers"),
    [("exact", "firefox", "Firefox"), ("exact", "node", "Node 18 to 26"), ("box2d", None, None)],
)
def test_says_in_which_browsers_its_run_holds(
    finishing: ReportInputs, engine: str, platform: str | None, browsers: str | None
) -> None:
    tape = Tape.record(np.full(60, 9, np.uint8), engine, platform=platform)
    inputs = replace(finishing, tapes=dict.fromkeys(finishing.tapes, tape))
    text = Page(render_report(inputs)).text
    assert ("So does the real game in" in text) is (browsers is not None)
    assert browsers is None or f"the real game in {browsers}" in text


def test_reads_well_when_nothing_finished(fallen: ReportInputs) -> None:
    text = Page(render_report(fallen)).text
    assert "no run has finished yet" in text
    assert "none of 1 seed" in text
    assert "No run finished" in text
    assert text.count("kept what came in") == 3
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)


def test_is_one_small_file_without_requests(finishing: ReportInputs) -> None:
    html = render_report(finishing)
    page = Page(html)
    assert len(html.encode()) < 5_000_000
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("script") == 2
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", html))


def test_names_cannot_break_out(tape: Tape) -> None:
    evil = "<script>alert(1)</script>"
    inputs = make_inputs([47.0, None], tape, {evil: PROMOTED}, provenance={evil: evil})
    inputs = replace(inputs, tapes={f'"{evil}': tape}, demonstrations={"file": evil})
    html = render_report(inputs, tapes=evil)
    page = Page(html)
    # The player's data and its code.
    assert page.tags.count("script") == 2
    assert page.text.count("alert(1)") >= 6


def test_compares_with_the_versions_before(finishing: ReportInputs) -> None:
    text = Page(render_report(finishing)).text
    assert "the expert of the demonstrations eeeeeeee 66.7 % against 100.0 % (p = 1.000)" in text
    assert "-0.75 s, -1.00 to -0.50 (p = 0.500)" in text
    assert "The champion stays who it was" in text
    alone = {"champion": "a" * 64, "crowned": True, "comparisons": {}}
    text = Page(render_report(replace(finishing, championship=alone))).text
    assert "no other agent for the same game" in text


def test_shows_ablations_if_there_are_some(finishing: ReportInputs) -> None:
    assert "Without one part each" not in Page(render_report(finishing)).text
    table = {"columns": ["part", "median [s]"], "rows": [["n-step", 48.26667], ["margin", None]]}
    text = Page(render_report(replace(finishing, ablations=table))).text
    assert f"part median [s] n-step 48.27 margin {tables.NOTHING}" in text
    with pytest.raises(ValueError, match="2 columns cannot be"):
        render_report(replace(finishing, ablations={**table, "rows": [["n-step"]]}))


def test_finish_times_say_of_how_many_the_best_is(finishing: ReportInputs) -> None:
    text = Page(render_report(finishing)).text
    assert "Best of 8 seeds 45.20 s the least of a sample has no bootstrap interval" in text
    assert "Interquartile mean 47.62 s" in text


def test_carries_the_tape_that_it_shows(fallen: ReportInputs, tape: Tape) -> None:
    page = Page(render_report(fallen))
    link = next(link for link in page.links if link.startswith("data:application/json"))
    carried = Tape.from_json(base64.b64decode(link.partition("base64,")[2]).decode())
    assert carried == tape
    assert verify_tape(carried).distance == tape.distance


def test_is_the_same_every_time(finishing: ReportInputs) -> None:
    assert render_report(finishing) == render_report(finishing)


def test_reads_well_without_stages(tape: Tape) -> None:
    inputs = make_inputs([None, 50.0], tape, {})
    assert "No training stage took part" in Page(render_report(inputs)).text


def test_needs_a_tape(finishing: ReportInputs) -> None:
    with pytest.raises(ValueError, match="at least one tape"):
        render_report(replace(finishing, tapes={}))


class TestFilms:
    def test_own_best_comes_first_then_guests_and_no_run_twice(self, tape: Tape) -> None:
        finish = Tape.load(Path(__file__).parents[2] / "evaluation/finish.qwop.json")
        randomised = replace(tape, keys=((6, 12), (9, 10), (1, 5)), ticks=27)
        randomised = replace(
            randomised, meta={"protocol": "randomised", "seed": 7, "idle_ticks": 1}
        )
        searched = replace(finish, meta={"search": {"width": 64}})
        own = {"native": tape, "fastest_01": randomised, "hunt": searched, "copy": tape}
        films = choose_films(own, {"Shipped record": finish})
        assert [film.label for film in films] == ["Search", "Native run", "Seed 7"]
        del own["hunt"]
        films = choose_films(own, {"Shipped record": finish})
        assert films[1].label == "Shipped record"
        assert films[1].detail == "66.40 s"
        assert {film.detail for film in films if film.label == "Seed 7"} == {
            f"ended at {tape.distance:.1f} m, waited 1 tick first"
        }

    def test_a_race_has_five_lanes(self, tape: Tape) -> None:
        own = {
            f"tape_{ticks}": replace(tape, keys=((6, 12), (9, 10), (4, ticks)), ticks=22 + ticks)
            for ticks in range(1, 9)
        }
        assert len(choose_films(own, {})) == 5
        assert choose_films({"odd_one": replace(tape, meta={})}, {})[0].label == "odd one"


class TestContent:
    def test_fastest_finish_comes_before_the_farthest_fall(self, tape: Tape) -> None:
        slow = replace(tape, finished=True, distance=100.2)
        fast = replace(slow, keys=((1, 5),), ticks=5)
        far = replace(tape, distance=99.0)
        tapes = {"far": far, "slow": slow, "near": tape, "fast": fast}
        assert content.fastest_tape(tapes)[0] == "fast"
        listed = tables.list_tapes(tapes)
        assert [tape["name"] for tape in listed] == ["fast", "slow", "far", "near"]
        assert listed[2]["result"] == "ended at 99.0 m"

    def test_headline_compares_with_the_human_record(
        self, tape: Tape, finishing: ReportInputs
    ) -> None:
        won = replace(tape, finished=True, score_time=40.2)
        headline = content.compose_headline(won, finishing.summary)
        assert (headline.figure, headline.unit, headline.ahead) == ("40.20", "s", True)
        assert headline.verdict == "5.33 s faster than the human record"
        assert "n = 1" in headline.protocol
        lost = replace(won, score_time=50.0, meta={"protocol": "randomised"})
        headline = content.compose_headline(lost, finishing.summary)
        assert headline.verdict == "4.47 s behind the human record"
        assert "best of 8 seeds" in headline.protocol
        assert not headline.ahead
        found = replace(won, meta={"made_by": "record_hunt", "search": {"width": 64}})
        assert "Search" in content.compose_headline(found, finishing.summary).protocol

    def test_lanes_stand_where_everyone_is_when_the_first_arrives(self) -> None:
        clock = np.arange(1, 1201) / 30
        lanes = content.line_up(run_of(clock, 2.51 * clock, finished=True))
        assert [lane.kind for lane in lanes[:3]] == ["agent", "machine", "human"]
        assert lanes[0].position == 100.0
        assert lanes[2].position == pytest.approx(100 * 40.0 / 45.53)

    def test_a_slower_agent_stands_where_it_was(self) -> None:
        clock = np.arange(1, 1801) / 30
        lanes = content.line_up(run_of(clock, 100 * clock / 60, finished=True))
        agent = next(lane for lane in lanes if lane.kind == "agent")
        assert agent.position == pytest.approx(100 * 45.167 / 60, abs=0.06)
        assert lanes[0].position == pytest.approx(100.0)

    def test_a_fallen_agent_stands_where_it_fell(self) -> None:
        clock = np.arange(1, 301) / 30
        lanes = content.line_up(run_of(clock, 3 * clock, finished=False))
        assert lanes[-1].kind == "agent"
        assert lanes[-1].position == pytest.approx(30.0)
        assert lanes[-1].result == "30.0 m"

    def test_facts_are_written_with_their_units(self) -> None:
        facts = {"best_time": 47.123, "mean_distance": 60.04, "share": 0.25, "steps": 1234567}
        written = [tables.as_fact(name, value) for name, value in facts.items()]
        assert written == ["47.12 s", "60.0 m", "0.25", "1,234,567"]
        assert tables.as_fact("best_time", None) == tables.NOTHING
        assert tables.as_fact("dirty", True) == "True"

    def test_stages_without_an_incoming_agent(self) -> None:
        first = {**KEPT, "incoming": None, "promoted": True}
        row = tables.list_stages({"expert": first})[0]
        assert [before for before, _ in row.changes] == [tables.NOTHING] * 3
        assert row.notes == ()

    def test_a_stage_tells_where_its_falls_went(self) -> None:
        before = {"0 to 15 m": 1, "65 to 90 m": 12}
        after = {"48 to 65 m": 2, "65 to 90 m": 5}
        score = {"finish_rate": 0.98, "median_time": 45.0, "mean_distance": 100.0}
        incoming, outgoing = ({**score, "falls": falls} for falls in (before, after))
        gate = {**KEPT, "n_starts": 1024, "incoming": incoming, "outgoing": outgoing}
        assert tables.list_stages({"self_play": gate})[0].notes == (
            "falls 13 → 7 of 1,024 starts: 0 to 15 m 1 → 0, 48 to 65 m 0 → 2, 65 to 90 m 12 → 5",
        )

    def test_collapses_and_bad_health_are_told_with_advice(self) -> None:
        health = {"final": 0.5, "required": 0.9025, "healthy": False, "advice": "Slow down."}
        gate = {**KEPT, "rollbacks": 2, "health": health}
        row = tables.list_stages({"self_play": gate})[0]
        assert row.notes == (
            "collapsed and rolled back 2 times",
            "the learner ended at 50.0 % success where 90.2 % would be healthy: Slow down.",
        )
        well = {**KEPT, "rollbacks": 0, "health": {**health, "healthy": True, "advice": None}}
        assert tables.list_stages({"self_play": well})[0].notes == ()


def run_of(clock: np.ndarray, distance: np.ndarray, finished: bool) -> Trajectory:
    return Trajectory(
        keys=np.zeros(len(clock) - 1, dtype=np.uint8),
        clock=clock,
        distance=distance,
        state=np.zeros((len(clock), 12, 6)),
        hurdle=np.zeros((len(clock), 2, 6)),
        finished=finished,
    )
