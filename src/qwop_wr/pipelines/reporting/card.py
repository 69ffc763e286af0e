"""The model card: the agent, its results and its limits."""

from collections.abc import Mapping
from typing import Any

from qwop_wr.evaluation.references import BEST_AI_CLAIM, HUMAN_RECORD
from qwop_wr.pipelines.reporting.content import list_key_numbers
from qwop_wr.pipelines.reporting.tables import (
    as_fact,
    as_metres,
    as_seconds,
    as_share,
    list_stages,
    markdown_table,
)


def render_card(
    summary: Mapping[str, Any],
    spec: Mapping[str, Any],
    gates: Mapping[str, Mapping[str, Any]],
    demonstrations: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> str:
    """Render the model card in Markdown.

    Args:
        summary: The evaluation's summary, as ``summarise`` makes it.
        gates: Name of each stage, in order, to its gate's report.
        demonstrations: Facts about the demonstrations, by name.
        provenance: Commit, parameters' fingerprint, versions and the like, by name.
    """
    sections = {
        "Agent": fact_table({"fingerprint": summary["agent"], **spec}),
        "Data": "Demonstrations, made by the expert in the same game:\n\n"
        + fact_table(demonstrations),
        "Algorithm": _ALGORITHM + "\n\n" + _stage_table(gates),
        "Results": describe_results(summary),
        "Commands": _COMMANDS,
        "Limits": _limits(summary),
        "Provenance": fact_table(provenance),
    }
    return in_sections(f"# Model card: QWOP runner\n\n{_opening(summary)}", sections)


def in_sections(opening: str, sections: Mapping[str, str]) -> str:
    """Join the sections of a card, by title, below its opening."""
    parts = [opening, *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts) + "\n"


_ALGORITHM = (
    "Quantile-regression DQN (Dabney et al. 2018, https://arxiv.org/abs/1710.10044) with n-step "
    "returns and, in the first stage, a share of demonstrations in every batch (in the manner of "
    "DQfD, Hester et al. 2018, https://arxiv.org/abs/1704.03732). The last stage ends with "
    "coaching: the agent's alternatives are tried on exact clones of the game, and it learns what "
    "they gain. A stage hands its agent on only if neither finish rate nor median time is worse "
    "than what it was given, measured on the same starts, and a gain is beyond chance (McNemar's "
    "test of the finishes, Wilcoxon's of the costs); otherwise it hands on what it was given. The "
    "table above says which learner made the agent that came out."
)

_COMMANDS = """\
```
kedro run --pipeline=world_record      # demonstrations, three stages, evaluation, report
qwop verify data/07_model_output/tapes/*/tapes/*.qwop.json
```"""


def _opening(summary: Mapping[str, Any]) -> str:
    rate, seeds = as_share(summary["finish_rate"]), summary["seeds"]
    if summary["finish_rate"] == 0:
        return (
            f"Runs QWOP's 100 m race; none of {seeds} randomised runs finished. "
            f"Mean distance {as_metres(summary['mean_distance'])}."
        )
    return (
        f"Runs QWOP's 100 m race: {rate} of {seeds} randomised runs finished, "
        f"in a median of {as_seconds(summary['median_time'])}. "
        f"To compare: human record {as_seconds(HUMAN_RECORD.seconds)}, "
        f"best AI claim {as_seconds(BEST_AI_CLAIM.seconds)}."
    )


def describe_results(summary: Mapping[str, Any]) -> str:
    """Describe the protocols and their results in Markdown: a paragraph and two tables."""
    protocol = summary["protocol"]
    marks = [
        (_cell(mark["name"]), as_seconds(mark["seconds"]), as_share(mark["value"]))
        for mark in summary["profile"]
    ]
    return "\n\n".join(
        [
            f"Randomised protocol: each of {summary['seeds']} seeds draws 0 to "
            f"{protocol['idle_ticks']} ticks without keys, counted on the clock, and keys stick "
            f"with probability {protocol['sticky']:g} at each decision. Native protocol: one hard "
            f"reset without noise, n = 1. Ranges are {protocol['confidence_level']:.0%} intervals "
            "(Wilson for rates, percentile bootstrap otherwise).",
            markdown_table(("Measure", "Value", "Range or remark"), list_key_numbers(summary)),
            markdown_table(("Time to beat", "", "Runs that finished within it"), marks),
        ]
    )


def _stage_table(gates: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (
            _cell(stage.name),
            *(f"{before} → {after}" for before, after in stage.changes),
            stage.verdict,
        )
        for stage in list_stages(gates)
    ]
    if not rows:
        return "No training stage took part."
    titles = ("Stage", "Finish rate", "Median finish", "Mean distance", "Gate")
    return markdown_table(titles, rows)


def _limits(summary: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            "- It was trained in and for this one game; it knows nothing else.",
            f"- It was evaluated on {summary['distinct_starts']} distinct starts, which led to "
            f"{summary['distinct_trajectories']} distinct runs; other disturbances were not tried.",
            "- It comes from one training seed; others differ, as docs/training.md has measured.",
            "- The best of many runs is what records are made of, not what to expect of one run.",
            "- The published times of others were made under protocols of their own.",
        ]
    )


def fact_table(facts: Mapping[str, Any]) -> str:
    """Tabulate facts in Markdown; names and values cannot break the table."""
    if not facts:
        return "Not recorded."
    rows = [
        (_cell(name).replace("_", " "), _cell(as_fact(name, fact))) for name, fact in facts.items()
    ]
    return markdown_table(("", ""), rows)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("`", "&#96;")):
        text = text.replace(character, entity)
    return text
