"""The user script: what it says, how large it is, and that it decides as Python does."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.browser import script
from qwop_wr.browser.script import agent_content, tapes_content, user_script
from qwop_wr.browser.verdict import row_of
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, Observer, Snapshot
from qwop_wr.simulator import PLATFORMS, make_simulator
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser

from tests.browser.pages import asset, browser
from tests.evaluation.players import random_agent_of

__all__ = ["browser"]


ROOT = Path(__file__).parents[2]
N_STATES = 240


@pytest.fixture(scope="module")
def expert() -> Agent:
    agent = AgentDataset(filepath=(ROOT / "data/01_raw/expert.safetensors").as_posix()).load()
    assert agent is not None
    return agent


@pytest.fixture(scope="module")
def states(expert: Agent) -> list[tuple[Snapshot, NDArray[np.float64]]]:
    """Snapshots and the page's rows of a run of the expert, every other tick."""
    game, policy, observer = make_simulator("exact", 1), expert.policy(), Observer("egocentric")
    masks = np.array([t | c for t in (0, Q, W) for c in (0, O, P)], dtype=np.uint8)
    found = []
    for _ in range(N_STATES):
        snapshot = Snapshot.of(game)
        found.append((snapshot, row_of(game)))
        game.step(masks[policy.act(np.repeat(observer.observe(snapshot), 16, axis=0))[:1]], 2)
    assert not game.ended[0]
    return found


def spec_of(**changes: object) -> AgentSpec:
    observation = str(changes.get("observation", "egocentric"))
    interface = EnvironmentOptions.from_keywords(
        {"observation": observation, "actions": changes.pop("actions", "minimal")}
    ).interface
    base = {"engine": "exact", "net_arch": (48, 24), **interface, **changes}
    return AgentSpec.model_validate(base)


SPECS = {
    "ppo": spec_of(algorithm="ppo", activation="tanh"),
    "ppo on the circulating numbers": spec_of(
        algorithm="ppo", observation="absolute", actions="seeds"
    ),
    "quantiles": spec_of(algorithm="qrdqn", n_quantiles=7, actions="full"),
    "quantiles, normalised and dueling": spec_of(
        algorithm="qrdqn", n_quantiles=5, layer_norm=True, dueling=True
    ),
    "recurrent": spec_of(algorithm="recurrent_ppo", lstm_size=20, activation="tanh"),
}


def decided_in_page(
    browser: Browser, agent: Agent, states: list[tuple[Snapshot, NDArray[np.float64]]]
) -> tuple[list[int], list[list[float]]]:
    """Let the page's code observe and decide."""
    inputs = [
        {
            "row": row.tolist(),
            "feet": snapshot.foot_contacts[0].tolist(),
            "calfKey": int(snapshot.calf_key[0]),
            "headTorque": float(snapshot.head_torque[0]),
        }
        for snapshot, row in states
    ]
    sources = "\n".join(asset(f"{name}.js") for name in ("game", "agent"))
    page = browser.new_page()
    actions, observations = page.evaluate(
        f"""(inputs) => {{
            const SCRIPT = {json.dumps(agent_content("agent", agent))};
            {sources}
            const keys = new AgentKeys(SCRIPT.agent);
            const rows = inputs.map(({{ row }}) => Float64Array.from(row));
            return [
                inputs.map((hidden, i) => keys.decide(rows[i], hidden)),
                inputs.map((hidden, i) => keys.observe(rows[i], hidden)),
            ];
        }}""",
        inputs,
    )
    page.close()
    return actions, observations


def check_decisions(
    browser: Browser, agent: Agent, states: list[tuple[Snapshot, NDArray[np.float64]]]
) -> None:
    observer, policy = Observer(agent.spec.observation), agent.policy()
    policy.begin()
    observed = np.concatenate([observer.observe(snapshot) for snapshot, _ in states])
    expected = [int(policy.act(np.repeat(one[None], 16, axis=0))[0]) for one in observed]
    actions, observations = decided_in_page(browser, agent, states)
    np.testing.assert_array_equal(np.array(observations), observed.astype(np.float64))
    assert actions == expected
    assert len(set(actions)) > 1


@pytest.mark.parametrize("name", SPECS)
def test_every_kind_of_network_decides_alike(
    browser: Browser, states: list[tuple[Snapshot, NDArray[np.float64]]], name: str
) -> None:
    check_decisions(browser, random_agent_of(SPECS[name], seed=8), states)


def test_the_expert_decides_alike(
    browser: Browser, expert: Agent, states: list[tuple[Snapshot, NDArray[np.float64]]]
) -> None:
    check_decisions(browser, expert, states)


def test_the_experts_script_is_small(expert: Agent) -> None:
    text = user_script(agent_content("expert", expert))
    assert len(text.encode()) < 600_000
    assert "fetch(" not in text


def test_a_tapes_script_is_small() -> None:
    keys = np.random.default_rng(5).integers(0, 16, 2000).astype(np.uint8)
    # Keys that change in nearly every tick, as long as a run over the track.
    runs = tuple((int(mask), 1) for mask in keys)
    tapes = [Tape.record(keys, platform=platform) for platform in PLATFORMS[:2]]
    longest = [replace(tape, keys=runs, ticks=len(runs)) for tape in tapes]
    text = user_script(tapes_content("record", longest))
    assert len(text.encode()) < 60_000
    assert "fetch(" not in text


def test_the_header_runs_it_before_the_page_and_in_it(expert: Agent) -> None:
    lines = user_script(agent_content("a\n// b", expert)).splitlines()
    header = lines[: lines.index("// ==/UserScript==") + 1]
    assert header[0] == "// ==UserScript=="
    assert "// @name QWOP: a // b" in header
    for line in ("@run-at document-start", "@grant none", "@inject-into page"):
        assert f"// {line}" in header
    assert any("foddy.net/Athletics.html" in line for line in header)


def test_tapes_that_cannot_be_played_are_refused() -> None:
    keys = np.full(30, O, dtype=np.uint8)
    tape = Tape.record(keys)
    with pytest.raises(ValueError, match="two tapes of platform 'chromium'"):
        tapes_content("run", [tape, tape])
    with pytest.raises(ValueError, match="exact engine's, but the tape is of 'box2d'"):
        tapes_content("run", [Tape.record(keys, engine="box2d")])


def test_the_sines_of_the_platforms_are_told_apart() -> None:
    checksums = script.sine_checksums()
    assert list(checksums) == list(PLATFORMS)
    assert len(set(checksums.values())) == len(PLATFORMS)
