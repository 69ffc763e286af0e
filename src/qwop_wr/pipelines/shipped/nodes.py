"""Nodes that describe what the repository ships."""

from typing import Any

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_native
from qwop_wr.evaluation.summary import summarise
from qwop_wr.pipelines.freshness import check_agent
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.shipped.card import render_shipped_card
from qwop_wr.pipelines.shipped.options import ShippedOptions
from qwop_wr.provenance import describe_provenance
from qwop_wr.simulator.tape import Tape, verify_tape


def evaluate_expert(
    expert: Agent, environment: EnvironmentOptions, options: EvaluationOptions, seed: Seed
) -> dict[str, Any]:
    """Evaluate the shipped expert as the last stage's agent is.

    Args:
        expert: The expert.
        environment: Environment that all pipelines share.
        options: The protocols.
        seed: Seed of the bootstrap.

    Returns:
        The summary.

    Raises:
        BadInputError: If the expert was made for another environment.
    """
    with checking("expert_agent"):
        expert.check_interface(environment.interface)
    episodes = evaluate_agent(expert, environment, options).episodes
    native = evaluate_native(expert, environment, options).episodes
    return summarise(episodes, native, {}, options, np.random.default_rng(seed))


def write_shipped_card(
    expert: Agent, record: Tape, summary: dict[str, Any], making: ShippedOptions
) -> str:
    """Write the card of the shipped expert and record.

    Args:
        expert: The expert.
        record: The record tape.
        summary: The expert's evaluation.
        making: How both were made.

    Returns:
        Markdown.

    Raises:
        BadInputError: If the tape's claims are not what it replays to, or the evaluation
            is another agent's.
    """
    check_agent("expert_summary", summary["agent"], expert, "--pipeline=shipped")
    with checking("record_tape"):
        verify_tape(record)
    versions = describe_provenance({})
    told = {name: versions[name] for name in versions if name not in ("commit", "parameters")}
    return render_shipped_card(expert, record, summary, making, told)
