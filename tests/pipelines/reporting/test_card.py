import re

from qwop_wr.pipelines.reporting.card import render_card
from qwop_wr.pipelines.reporting.content import ReportInputs

SPEC = {"algorithm": "qrdqn", "observation": "egocentric", "net_arch": [256, 128]}


def card_of(inputs: ReportInputs, spec: dict[str, object] | None = None) -> str:
    return render_card(
        inputs.summary, spec or SPEC, inputs.gates, inputs.demonstrations, inputs.provenance
    )


def test_has_every_section(finishing: ReportInputs) -> None:
    card = card_of(finishing)
    titles = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert titles == ["Agent", "Data", "Algorithm", "Results", "Commands", "Limits", "Provenance"]
    assert "75.0 % of 8 randomised runs finished, in a median of 47.75 s" in card
    assert "| dqnfd | 30.0 % → 50.0 % |" in card
    assert "n = 1" in card
    assert "kedro run --pipeline=world_record" in card


def test_says_what_the_gate_and_the_stages_do(finishing: ReportInputs) -> None:
    card = card_of(finishing)
    assert "neither finish rate nor median time is worse" in card
    assert "a gain is beyond chance" in card
    assert "mean distance are all" not in card, "the gate of before"
    assert "coaching: the agent's alternatives are tried" in card
    assert "not known" not in card
    assert "docs/training.md has measured" in card


def test_is_plain_about_failure(fallen: ReportInputs) -> None:
    card = card_of(fallen)
    assert "none of 1 randomised runs finished" in card
    assert not re.search(r"\b(nan|None)\b", card)


def test_values_cannot_break_the_tables(finishing: ReportInputs) -> None:
    card = card_of(
        finishing, {"n_quantiles": None, "algo|rithm": "a | b\n# title <img src=x> `code`"}
    )
    row = next(line for line in card.splitlines() if line.startswith("| algo"))
    assert row.replace("\\", "").count("|") == 3
    assert "<img" not in card
    assert "\n# title" not in card
