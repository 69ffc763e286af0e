"""The original game's page, in real time; docs/browser.md tells how to run these tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.browser.recorder import Proofs, Runs
from qwop_wr.browser.script import agent_content, person_content, sine_checksums, tapes_content
from qwop_wr.datasets import AgentDataset
from qwop_wr.simulator import DEFAULT_PLATFORM
from qwop_wr.simulator.tape import Tape, verify_tape

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser

from tests.browser.pages import Visitor, browser, own_checksum, visits

__all__ = ["browser", "own_checksum"]

pytestmark = pytest.mark.skipif(
    "QWOP_GAME" not in os.environ,
    reason="the real page is not tested: QWOP_GAME names no folder with a copy of the game",
)

ROOT = Path(__file__).parents[2]
LONGEST_RUN = 180_000  # milliseconds


@pytest.fixture
def real(browser: Browser) -> Iterator[Visitor]:
    with visits(browser, Path(os.environ["QWOP_GAME"])) as visitor:
        yield visitor


@pytest.fixture
def platform(own_checksum: str) -> str | None:
    """The browser's platform; None if its sine is none of the known ones."""
    checksums = sine_checksums().items()
    return next((name for name, checksum in checksums if checksum == own_checksum), None)


def test_a_tape_comes_out_to_the_bit(real: Visitor, platform: str | None, tmp_path: Path) -> None:
    """With the browser's own sine if that is a platform's, otherwise with one put in."""
    keys = np.repeat(np.random.default_rng(2).integers(0, 16, 60), 5).astype(np.uint8)
    tape = Tape.record(keys, platform=platform or DEFAULT_PLATFORM)
    path = tmp_path / "run.qwop.json"
    tape.save(path)
    tapes = {tape.platform or "": (path, tape)}
    page = real(
        tapes_content("run", [tape]),
        lambda server, lines: Proofs(tapes, server.served, lines.append),
        shim=None if platform else DEFAULT_PLATFORM,
    )
    page.page.set_default_timeout(LONGEST_RUN)
    page.wait_for("verdict", "values differ")
    assert f"tick {tape.ticks}, 0 of {(tape.ticks + 1) * 89:,} values differ" in page.lines[-1]


def test_the_expert_lands_whatever_the_sine(
    real: Visitor, platform: str | None, tmp_path: Path
) -> None:
    agent = AgentDataset(filepath=(ROOT / "data/01_raw/expert.safetensors").as_posix()).load()
    assert agent is not None
    page = real(
        agent_content("expert", agent, idle_ticks=3),
        lambda server, lines: Runs(
            tmp_path / "run", {}, lines.append, {"kind": "agent"}, server.served
        ),
    )
    page.page.set_default_timeout(LONGEST_RUN)
    page.wait_for("verdict", "platform")
    assert page.lines[-1].startswith("landed at tick ")
    assert ("not compared" in page.lines[-1]) == (platform is None)
    if platform is not None:
        assert ", 0 of " in page.lines[-1]
        assert verify_tape(Tape.load(tmp_path / "run_0001.qwop.json")).finished


def test_a_persons_runs_come_back(real: Visitor, platform: str | None, tmp_path: Path) -> None:
    page = real(
        person_content(), lambda server, lines: Runs(tmp_path / "run", {}, lines.append, None, {})
    )
    page.page.set_default_timeout(LONGEST_RUN)
    for number in (1, 2):
        if number == 1:
            page.begin()
        page.wait_for("state", "R begins anew")
        for key in "qpwoqpwo":
            page.page.keyboard.down(key)
            page.page.wait_for_timeout(200)
            page.page.keyboard.up(key)
        with page.page.expect_navigation():
            page.page.keyboard.press("r")
        if platform is None:
            assert (tmp_path / f"run_{number:04d}.recording.npz").exists()
        else:
            tape = Tape.load(tmp_path / f"run_{number:04d}.qwop.json")
            assert verify_tape(tape).ticks > 30
