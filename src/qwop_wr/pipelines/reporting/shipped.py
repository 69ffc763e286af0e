"""The model card of the shipped expert and record, and the pipeline that writes it."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from kedro.pipeline import Node, Pipeline
from pydantic import Field

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_without_noise
from qwop_wr.evaluation.references import HUMAN_RECORD, HUMAN_SPLITS
from qwop_wr.evaluation.summary import summarise
from qwop_wr.evaluation.trajectory import tape_trajectory
from qwop_wr.options import Options
from qwop_wr.pipelines.inputs import check_agent, checking, parameters
from qwop_wr.pipelines.reporting.card import describe_results, fact_table, in_sections
from qwop_wr.pipelines.reporting.tables import (
    NOTHING,
    as_metres,
    as_seconds,
    as_share,
    list_times,
    markdown_table,
)
from qwop_wr.provenance import describe_provenance
from qwop_wr.simulator.platforms import BROWSERS
from qwop_wr.simulator.tape import Tape, verify_tape

Text = Annotated[str, Field(min_length=1)]


class Making(Options):
    """Origin of a shipped file.

    Attributes:
        data: Source that it was learned or searched from.
        command: Command that makes a comparable file.
    """

    data: Text
    command: Text
    compute: Text
    remark: Text


class ShippedOptions(Options):
    """Origin of the shipped files."""

    expert: Making
    record: Making


def create_pipeline() -> Pipeline:
    """Evaluate ``expert_agent``, replay ``record_tape`` and write their card."""
    return Pipeline(
        [
            Node(
                evaluate_expert,
                inputs={
                    "expert": "expert_agent",
                    "options": "params:evaluation",
                    **parameters("environment", "seed"),
                },
                outputs="expert_summary",
                name="evaluate_expert",
            ),
            Node(
                write_shipped_card,
                inputs={
                    "expert": "expert_agent",
                    "record": "record_tape",
                    "summary": "expert_summary",
                    "making": "params:shipped",
                },
                outputs="shipped_card",
                name="write_shipped_card",
            ),
        ]
    )


def evaluate_expert(
    expert: Agent, environment: EnvironmentOptions, options: EvaluationOptions, seed: Seed
) -> dict[str, Any]:
    """Evaluate the shipped expert as the last stage's agent is.

    Raises:
        BadInputError: If the expert was made for another environment.
    """
    with checking("expert_agent"):
        expert.check_interface(environment.interface)
    episodes = evaluate_agent(expert, environment, options).episodes
    native = evaluate_without_noise(expert, environment, options).episodes
    return summarise(episodes, native, {}, options, np.random.default_rng(seed))


def write_shipped_card(
    expert: Agent, record: Tape, summary: dict[str, Any], making: ShippedOptions
) -> str:
    """Write the card of the shipped expert and record in Markdown.

    Raises:
        BadInputError: If the tape's claims are not what it replays to, or the evaluation
            is another agent's.
    """
    check_agent("expert_summary", summary["agent"], expert, "--pipeline=shipped")
    with checking("record_tape"):
        verify_tape(record)
    versions = describe_provenance({})
    shown = {name: versions[name] for name in versions if name not in ("commit", "parameters")}
    return render_shipped_card(expert, record, summary, making, shown)


def render_shipped_card(
    expert: Agent,
    record: Tape,
    summary: Mapping[str, Any],
    making: ShippedOptions,
    versions: Mapping[str, str],
) -> str:
    """Render the card in Markdown.

    Args:
        summary: The expert's evaluation, as ``summarise`` makes it.
        versions: Versions behind the numbers, by name.
    """
    sections = {
        "Expert": fact_table({"fingerprint": expert.fingerprint, **_expert_facts(expert)}),
        "How the expert was made": _making(making.expert),
        "How the expert runs": describe_results(summary) + "\n\n" + _times(summary),
        "Record": _record(record),
        "How the record was made": _making(making.record),
        "Limits": _limits(summary),
        "Versions": "The numbers above were made with:\n\n" + fact_table(versions),
    }
    return in_sections(_opening(record, summary), sections)


def _opening(record: Tape, summary: Mapping[str, Any]) -> str:
    return (
        "# Model card: the shipped expert and record\n\n"
        f"`data/01_raw/expert.safetensors` is an agent that runs QWOP's 100 m: "
        f"{as_share(summary['finish_rate'])} of {summary['seeds']} randomised runs finish, in a "
        f"median of {as_seconds(summary['median_time'])}. `data/01_raw/record.qwop.json` is a key "
        f"tape of {as_seconds(record.score_time)} from an unmodified hard reset. The human record "
        f"is {as_seconds(HUMAN_RECORD.seconds)}.\n\n"
        "This card is written by `kedro run --pipelines=shipped`, which evaluates the one and "
        "replays the other."
    )


def _expert_facts(expert: Agent) -> dict[str, Any]:
    size = sum(array.size for array in expert.weights.values())
    card = {name: expert.card[name] for name in ("stage", "steps", "seed") if name in expert.card}
    return {**expert.spec.model_dump(mode="json"), "weights": size, **card}


def _making(making: Making) -> str:
    return "\n".join(
        [
            f"- Data: {making.data}",
            f"- Command: `{making.command}`",
            f"- Compute: {making.compute}",
            f"- {making.remark}",
        ]
    )


def _times(summary: Mapping[str, Any]) -> str:
    return markdown_table(("Finish times", "", "Interval"), list_times(summary))


def _record(record: Tape) -> str:
    splits = tape_trajectory(record).splits()
    rows = [
        (f"{mark} m", as_seconds(clock), as_seconds(HUMAN_SPLITS.get(mark)))
        for mark, clock in splits.items()
    ]
    search = record.meta.get("search")
    width = search.get("width", NOTHING) if isinstance(search, Mapping) else NOTHING
    facts = {
        "time": as_seconds(record.score_time),
        "tick": record.ticks,
        "distance": as_metres(record.distance),
        "final state": record.state_sha256,
        "engine": f"{record.engine}, version {record.engine_version}",
        "platform": f"{record.platform}: {BROWSERS.get(record.platform or '', NOTHING)}",
        "found by": record.meta.get("made_by", NOTHING),
        "width of the search that found it": width,
    }
    return "\n\n".join(
        [
            fact_table(facts),
            markdown_table(("Passed at", "Record tape", "Human record"), rows),
            "Check it: `qwop verify data/01_raw/record.qwop.json`. It is a machine record in the "
            "original game's physics and makes no claim on human leaderboards.",
        ]
    )


def _limits(summary: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            "- Both know this one game, in the exact engine's physics, and nothing else.",
            f"- The expert was evaluated on {summary['distinct_starts']} distinct starts; the only "
            "disturbances were waiting and sticking keys.",
            "- The expert comes from one line of trainings; docs/training.md has other seeds.",
            "- The tape is one run. A key pressed a tick earlier leads elsewhere; it shows what "
            "is possible, not what the expert does.",
            "- The published times of others were made under protocols of their own.",
        ]
    )
