import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from qwop_wr.evaluation.trace import Trace
from qwop_wr.pipelines.reporting import report_content
from qwop_wr.pipelines.reporting.report import ReportInputs, render_report
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
    assert len(html.encode()) < 1_000_000
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", html))


def test_names_cannot_break_out(tape: Tape) -> None:
    evil = "<script>alert(1)</script>"
    inputs = make_inputs([47.0, None], tape, {evil: PROMOTED}, provenance={evil: evil})
    inputs = replace(inputs, tapes={f'"{evil}': tape}, demonstrations={"file": evil})
    html = render_report(inputs, tapes=evil)
    page = Page(html)
    assert "script" not in page.tags
    assert page.text.count("alert(1)") >= 6


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


class TestContent:
    def test_fastest_finish_comes_before_the_farthest_fall(self, tape: Tape) -> None:
        slow = replace(tape, finished=True, distance=100.2)
        fast = replace(slow, keys=((1, 5),), ticks=5)
        far = replace(tape, distance=99.0)
        tapes = {"far": far, "slow": slow, "near": tape, "fast": fast}
        assert report_content.fastest_tape(tapes)[0] == "fast"
        listed = report_content.list_tapes(tapes)
        assert listed["name"].tolist() == ["fast", "slow", "far", "near"]
        assert listed["result"].tolist()[2] == "ended at 99.0 m"

    def test_headline_compares_with_the_human_record(
        self, tape: Tape, finishing: ReportInputs
    ) -> None:
        won = replace(tape, finished=True, score_time=40.2)
        headline = report_content.compose_headline(won, finishing.summary)
        assert (headline.figure, headline.unit, headline.ahead) == ("40.20", "s", True)
        assert headline.verdict == "5.33 s faster than the human record"
        assert "n = 1" in headline.protocol
        lost = replace(won, score_time=50.0, meta={"protocol": "randomised"})
        headline = report_content.compose_headline(lost, finishing.summary)
        assert headline.verdict == "4.47 s behind the human record"
        assert "best of 8 seeds" in headline.protocol
        assert not headline.ahead

    def test_lanes_stand_where_everyone_is_when_the_first_arrives(self) -> None:
        clock = np.arange(1, 1201) / 30
        lanes = report_content.line_up(run_of(clock, 2.51 * clock, finished=True))
        assert [lane.kind for lane in lanes[:3]] == ["agent", "machine", "human"]
        assert lanes[0].position == 100.0
        assert lanes[2].position == pytest.approx(100 * 40.0 / 45.53)

    def test_a_slower_agent_stands_where_it_was(self) -> None:
        clock = np.arange(1, 1801) / 30
        lanes = report_content.line_up(run_of(clock, 100 * clock / 60, finished=True))
        agent = next(lane for lane in lanes if lane.kind == "agent")
        assert agent.position == pytest.approx(100 * 45.167 / 60, abs=0.06)
        assert lanes[0].position == pytest.approx(100.0)

    def test_a_fallen_agent_stands_where_it_fell(self) -> None:
        clock = np.arange(1, 301) / 30
        lanes = report_content.line_up(run_of(clock, 3 * clock, finished=False))
        assert lanes[-1].kind == "agent"
        assert lanes[-1].position == pytest.approx(30.0)
        assert lanes[-1].result == "30.0 m"

    def test_facts_are_written_with_their_units(self) -> None:
        facts = {"best_time": 47.123, "mean_distance": 60.04, "share": 0.25, "steps": 1234567}
        written = [report_content.as_fact(name, value) for name, value in facts.items()]
        assert written == ["47.12 s", "60.0 m", "0.25", "1,234,567"]
        assert report_content.as_fact("best_time", None) == report_content.NOTHING
        assert report_content.as_fact("dirty", True) == "True"

    def test_stages_without_an_incoming_agent(self) -> None:
        first = {**KEPT, "incoming": None, "promoted": True}
        row = report_content.list_stages({"expert": first})[0]
        assert [before for before, _ in row.changes] == [report_content.NOTHING] * 3


def run_of(clock: np.ndarray, distance: np.ndarray, finished: bool) -> Trace:
    return Trace(
        keys=np.zeros(len(clock) - 1, dtype=np.uint8),
        clock=clock,
        distance=distance,
        state=np.zeros((len(clock), 12, 6)),
        finished=finished,
    )
