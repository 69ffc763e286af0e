"""The card of the shipped files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.reporting.shipped import (
    ShippedOptions,
    evaluate_expert,
    write_shipped_card,
)
from qwop_wr.simulator.tape import Tape

ROOT = Path(__file__).parents[3]
OPTIONS = EvaluationOptions(seeds=3, max_ticks=40, bootstrap_resamples=100)


@pytest.fixture(scope="module")
def making() -> ShippedOptions:
    text = (ROOT / "conf/base/parameters_reporting.yml").read_text()
    return ShippedOptions.model_validate(yaml.safe_load(text)["shipped"])


@pytest.fixture(scope="module")
def record() -> Tape:
    return Tape.load(ROOT / "data/01_raw/record.qwop.json")


@pytest.fixture
def summary(agent: Agent, environment: EnvironmentOptions) -> dict[str, Any]:
    return evaluate_expert(agent, environment, OPTIONS, seed=1)


def test_card_tells_both(
    agent: Agent, summary: dict[str, Any], record: Tape, making: ShippedOptions
) -> None:
    card = write_shipped_card(agent, record, summary, making)
    titles = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert titles == [
        "Expert",
        "How the expert was made",
        "How the expert runs",
        "Record",
        "How the record was made",
        "Limits",
        "Versions",
    ]
    assert agent.fingerprint in card
    assert f"| 100 m | {record.score_time:.2f} s | 45.53 s |" in card
    assert "Finish rate | 0.0 %" in card
    assert making.record.compute in card
    assert "not known" not in card.split("## Limits")[1]


def test_what_is_false_or_of_another_expert_gets_no_card(
    agent: Agent, summary: dict[str, Any], record: Tape, making: ShippedOptions
) -> None:
    with pytest.raises(BadInputError, match="record_tape: false claim: score_time"):
        write_shipped_card(agent, replace(record, score_time=39.0), summary, making)
    with pytest.raises(BadInputError, match=r"expert_summary is stale: .* --pipeline=shipped$"):
        write_shipped_card(agent, record, {**summary, "agent": "b" * 64}, making)


def test_an_expert_of_another_game_is_refused(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"ticks_per_action": 4})
    with pytest.raises(BadInputError, match="expert_agent: .*ticks_per_action"):
        evaluate_expert(agent, other, OPTIONS, seed=1)


def test_the_committed_card_is_of_the_shipped_files(record: Tape) -> None:
    card = (ROOT / "docs/model_card.md").read_text()
    expert = AgentDataset(filepath=ROOT / "data/01_raw/expert.safetensors").load()
    assert expert is not None
    advice = "write it anew: kedro run --pipelines=shipped"
    assert expert.fingerprint in card, advice
    assert record.state_sha256 in card, advice
