"""Nodes of the reporting."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.reporting.content import ReportInputs
from qwop_wr.pipelines.reporting.nodes import gather_runs, write_report
from qwop_wr.simulator.tape import Tape

FINISH = Path(__file__).parents[2] / "evaluation/finish.qwop.json"
HUNT: dict[str, Any] = {
    "agent": "a" * 64,
    "found": [{"time": 66.4}],
    "tape": Tape.load(FINISH).state_sha256,
}


def page(inputs: ReportInputs, hunt: dict[str, Any] | None, ablations: Any = None) -> str:
    """Write the report of some inputs, with a record that is faster than their tapes."""
    runs = gather_runs(dict(inputs.summary), dict(inputs.tapes), Tape.load(FINISH), hunt)
    newest, version = write_report(
        summary=dict(inputs.summary),
        episodes=inputs.episodes,
        runs=runs,
        championship=dict(inputs.championship),
        demonstrations=dict(inputs.demonstrations),
        provenance=dict(inputs.provenance),
        ablations=ablations,
        dqnfd_gate=inputs.gates["dqnfd"],
        dqnfd_history=inputs.histories["dqnfd"],
    )
    assert newest == version
    return newest


def test_a_record_of_other_runs_is_a_guest(finishing: ReportInputs) -> None:
    for hunt in (None, {**HUNT, "found": []}, {**HUNT, "agent": "b" * 64}, {**HUNT, "tape": "9"}):
        html = page(finishing, hunt)
        assert "is the farthest so far" in html
        assert '"label":"Native run"' in html
        assert '"label":"Record tape"' in html


def test_a_record_of_this_runs_hunt_is_the_headline(finishing: ReportInputs) -> None:
    html = page(finishing, HUNT)
    assert "<title>QWOP 100 m: 66.40 s</title>" in html
    assert '"label":"Record tape"' not in html


def test_ablations_that_are_no_table_are_refused(finishing: ReportInputs) -> None:
    with pytest.raises(BadInputError, match="ablations: a table needs 'columns' and 'rows'"):
        page(finishing, None, ablations={"rows": []})


def test_a_championship_of_another_agent_is_refused(finishing: ReportInputs) -> None:
    stale = replace(finishing, championship={**finishing.championship, "challenger": "b" * 64})
    with pytest.raises(BadInputError, match=r"championship is stale: .* --pipeline=evaluation$"):
        page(stale, None)
