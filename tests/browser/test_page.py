"""The script in a page, and what `qwop browser` makes of what it is told."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.browser import script
from qwop_wr.browser.recorder import Proofs, Runs
from qwop_wr.browser.script import (
    agent_content,
    person_content,
    sine_checksums,
    tapes_content,
    user_script,
)
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer
from qwop_wr.simulator.tape import Tape

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser

from tests.browser.pages import (
    MakeKeeper,
    Visit,
    Visitor,
    asset,
    browser,
    folder,
    own_checksum,
    read_overlay,
    toy,
    visit,
    wait_for_overlay,
)
from tests.browser.toy import FALL, RUN, ToyGame, toy_tape, write_page
from tests.evaluation.players import random_agent

__all__ = ["browser", "folder", "own_checksum", "toy", "visit"]


LANDING = [0, 0, 4, *[RUN] * 200]

Play = Callable[[Tape], Visit]


@pytest.fixture
def play(visit: Visitor, tmp_path: Path) -> Play:
    """Serve the page with a tape and the place of its proof."""
    path = tmp_path / "run.qwop.json"
    return lambda tape: visit(tapes_content("run", [tape]), proofs(path, tape))


def proofs(path: Path, tape: Tape) -> MakeKeeper:
    tape.save(path)
    return lambda server, lines: Proofs(
        {tape.platform or "": (path, tape)}, server.served, lines.append
    )


def runs(stem: Path) -> MakeKeeper:
    return lambda server, lines: Runs(stem, {"player": "toy"}, lines.append, None, server.served)


def test_a_tape_lands_and_leaves_a_proof(play: Play, tmp_path: Path) -> None:
    tape = toy_tape(LANDING)
    assert tape.finished
    page = play(tape)
    page.wait_for("verdict", "values differ")
    browser = (
        f"Chrome {page.page.evaluate('navigator.userAgent').split('Chrome/')[1].split('.')[0]}"
    )
    n_values = (tape.ticks + 1) * 89
    verdict = f"landed at tick {tape.ticks}, 0 of {n_values:,} values differ"
    verdict += f", {browser}, platform chromium"
    assert page.overlay("verdict") == verdict
    assert page.lines == [f"{tmp_path / 'run.proof.json'}: proof", verdict]
    assert page.overlay("name") == "run"
    assert f"tick {tape.ticks} " in page.overlay("clock")
    assert page.overlay("platform").startswith("sine: chromium")
    assert page.overlay("altered") == ""
    proof = json.loads((tmp_path / "run.proof.json").read_text())
    assert proof["verdict"] == verdict
    assert (proof["ticks"], proof["landed"], proof["altered"]) == (tape.ticks, True, False)
    assert (proof["values_compared"], proof["values_differing"]) == (n_values, 0)
    assert proof["state_sha256"] == tape.state_sha256
    assert proof["text"] == f"{tape.distance:g} metres"
    assert set(proof["game_files_sha256"]) >= {"index.html", "toy.js"}


def test_what_the_engine_does_not_repeat_is_told(play: Play, folder: Path, tmp_path: Path) -> None:
    write_page(folder, drift=1e-12)
    tape = toy_tape(LANDING)
    page = play(tape)
    page.wait_for("verdict", "values differ")
    words = page.overlay("verdict")
    assert "the first at tick 0: x of torso" in words
    assert f" 0 of {(tape.ticks + 1) * 89:,}" not in words
    assert not page.recorder.verdicts[-1].good
    proof = json.loads((tmp_path / "run.proof.json").read_text())
    assert proof["values_differing"] > 0
    assert proof["first_difference"] == [0, "x of torso"]


def test_an_agent_decides_in_the_page_as_in_python(visit: Visitor, tmp_path: Path) -> None:
    agent = random_agent(EnvironmentOptions(ticks_per_action=2), seed=3)
    idle = 5
    content = agent_content("agent", agent, idle)
    content["agent"]["maxTicks"] = 90
    played = {"kind": "agent", "fingerprint": agent.fingerprint}
    page = visit(
        content,
        lambda server, lines: Runs(
            tmp_path / "agent_run", {"idle_ticks": idle}, lines.append, played, server.served
        ),
    )
    page.wait_for("verdict", " 0 of ")
    game, expected = ToyGame(), list[int]()
    masks, policy = ACTION_SETS["minimal"], agent.policy()
    observer = Observer("egocentric")
    while not game.ended and len(expected) < 90:
        tick = len(expected)
        if tick >= idle and (tick - idle) % 2 == 0:
            observation = observer.observe(game.snapshot())
            mask = int(masks[policy.act(np.repeat(observation, 16, axis=0))[0]])
        expected.append(0 if tick < idle else mask)
        game.step(expected[-1])
    tape = Tape.load(tmp_path / "agent_run_0001.qwop.json")
    assert tape.per_tick_keys.tolist() == expected
    assert len({*expected}) > 2
    assert (tape.platform, tape.meta["idle_ticks"]) == ("chromium", idle)
    assert tape.meta["browser"].startswith("Chrome ")
    proof = json.loads((tmp_path / "agent_run_0001.proof.json").read_text())
    assert proof["played"] == played


def test_a_tape_of_another_platform_is_not_played(play: Play) -> None:
    page = play(toy_tape(LANDING, "firefox"))
    page.wait_for("verdict", "no tape for this browser")
    words = page.overlay("verdict")
    assert "its sine is chromium's; there are tapes for firefox (Firefox" in words
    assert page.wait_for_refusal() == words
    # The page is the person's, once it has loaded.
    page.page.wait_for_function("toy.doneLoading")
    page.page.mouse.click(100, 100)
    page.page.keyboard.down("q")
    page.page.wait_for_function("toy.bodies[0].x > 10")
    assert page.recorder.verdicts == []


def test_of_several_tapes_the_browsers_own_is_played(visit: Visitor, tmp_path: Path) -> None:
    tapes = [toy_tape([*LANDING[:20], FALL], "firefox"), toy_tape(LANDING)]
    page = visit(tapes_content("run", tapes), proofs(tmp_path / "run.qwop.json", tapes[1]))
    page.wait_for("verdict", f"landed at tick {tapes[1].ticks}, 0 of")


def test_a_sine_of_nobody_is_told_and_agents_still_run(
    visit: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "sine_checksums", lambda: {"chromium": "0" * 16})
    content = agent_content("agent", random_agent(EnvironmentOptions()))
    content["agent"]["maxTicks"] = 20
    page = visit(content, runs(tmp_path / "run"))
    page.wait_for("verdict", "not compared")
    assert page.overlay("platform") == "sine: unknown (none of the known ones)"
    assert "this browser's sine is none of the known ones" in page.lines[-1]
    assert "platform unknown" in page.lines[-1]
    with np.load(tmp_path / "run_0001.recording.npz") as recording:
        assert recording["rows"].shape == (21, 89)
        assert json.loads(str(recording["meta"]))["platform"] == "unknown"
    assert not list(tmp_path.glob("*.qwop.json"))


@pytest.mark.parametrize("platform", ["firefox", "node"])
def test_a_sine_put_in_is_labelled(visit: Visitor, tmp_path: Path, platform: str) -> None:
    tape = toy_tape(LANDING, platform)
    path = tmp_path / "run.qwop.json"
    page = visit(tapes_content("run", [tape]), proofs(path, tape), shim=platform)
    page.wait_for("verdict", " 0 of ")
    words = f"altered: the sine of {platform} was put into the page"
    assert page.overlay("verdict").endswith(words)
    assert page.overlay("altered").startswith(f"altered: the sine of {platform}")
    assert not (tmp_path / "run.proof.json").exists()
    proof = json.loads((tmp_path / "run.altered.proof.json").read_text())
    assert (proof["altered"], proof["sine_put_in"], proof["platform"]) == (
        True,
        platform,
        "chromium",
    )


def test_escape_stops_and_gives_the_page_back(play: Play, tmp_path: Path) -> None:
    page = play(toy_tape([0] * 2000))
    page.wait_for("clock", "tick 1")
    # Neither keys nor R nor a click disturb it.
    page.page.keyboard.down("q")
    page.page.keyboard.press("r")
    page.page.mouse.click(100, 100)
    page.page.wait_for_timeout(100)
    assert page.page.evaluate("toy.bodies[0].x") < 3
    page.page.keyboard.up("q")
    page.page.keyboard.press("Escape")
    page.wait_for("verdict", "stopped at tick")
    page.wait_for("verdict", "ticks were not all played")
    assert " 0 of " in page.overlay("verdict")
    assert not (tmp_path / "run.proof.json").exists()
    page.page.keyboard.down("w")
    page.page.keyboard.down("o")
    page.page.wait_for_function("toy.gameEnded")
    page.page.keyboard.up("o")
    page.page.keyboard.press(" ")
    page.page.wait_for_function("!toy.gameEnded && toy.ticks < 30")


def test_a_persons_runs_become_tapes(visit: Visitor, tmp_path: Path) -> None:
    page = visit(person_content(), runs(tmp_path / "run"))
    page.begin()
    page.page.keyboard.down("q")
    page.page.wait_for_function("toy.bodies[0].x > 50")
    page.page.keyboard.down("w")
    page.page.keyboard.down("o")
    page.wait_for("verdict", "fell at tick")
    page.wait_for("verdict", " 0 of ")
    first = Tape.load(tmp_path / "run_0001.qwop.json")
    assert first.platform == "chromium"
    assert first.keys[-1][0] == 7
    # R begins anew on a fresh page; a run that it cuts short is kept, too.
    with page.page.expect_navigation():
        page.page.keyboard.press("r")
    page.wait_for("state", "R begins anew")
    page.page.keyboard.down("p")
    page.page.wait_for_function("toy.bodies[0].x > 50")
    with page.page.expect_navigation():
        page.page.keyboard.press("r")
    second = Tape.load(tmp_path / "run_0002.qwop.json")
    assert {mask for mask, _ in second.keys} == {0, 8}
    assert second.meta["player"] == "toy"
    assert all(verdict.good for verdict in page.recorder.verdicts)
    page.wait_for("clock", "tick")


def test_a_changed_game_is_told(play: Play, folder: Path) -> None:
    write_page(folder, head_mass=1.0)
    page = play(toy_tape(LANDING))
    page.wait_for("verdict", "this is not the original game, or a changed one: mass of head is 1,")
    assert page.wait_for_refusal() == page.overlay("verdict")


def test_a_page_without_the_game_is_told(visit: Visitor, folder: Path, tmp_path: Path) -> None:
    (folder / "toy.js").write_text("nonsense();")
    page = visit(person_content(), runs(tmp_path / "run"))
    page.wait_for("verdict", "no game was found: this is not QWOP")
    assert "nonsense is not defined" in page.wait_for_refusal()


def test_two_pages_at_once(play: Play) -> None:
    page = play(toy_tape([0] * 2000))
    page.wait_for("clock", "tick 1")
    other = page.page.context.new_page()
    other.goto(page.server.address)
    wait_for_overlay(other, "verdict", "another page plays already")
    assert read_overlay(other, "clock") == ""
    other.close()
    page.page.keyboard.press("Escape")
    page.wait_for("verdict", " 0 of ")


def test_a_page_that_is_closed_in_the_middle(visit: Visitor, tmp_path: Path) -> None:
    page = visit(person_content(), runs(tmp_path / "run"))
    page.begin()
    page.page.keyboard.down("q")
    page.page.wait_for_function("toy.ticks > 70")
    page.page.close()
    page.thread.join(20)
    assert not page.thread.is_alive()
    assert page.lines[0].startswith("the page was closed at tick ")
    # What had arrived is kept.
    assert Tape.load(tmp_path / "run_0001.qwop.json").ticks >= 59


def test_a_server_that_ends_in_the_middle(visit: Visitor, tmp_path: Path) -> None:
    page = visit(person_content(), runs(tmp_path / "run"))
    page.begin()
    page.page.keyboard.down("q")
    page.page.wait_for_function("toy.ticks > 70")
    page.server.stopping.set()
    page.thread.join(20)
    assert Tape.load(tmp_path / "run_0001.qwop.json").ticks >= 59
    page.wait_for("state", "qwop browser has ended")


def test_a_hidden_tab_is_told(play: Play) -> None:
    page = play(toy_tape([0] * 2000))
    page.wait_for("clock", "tick 1")
    page.page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true });"
        "document.dispatchEvent(new Event('visibilitychange'));"
    )
    page.wait_for("state", "the game waited while the tab was hidden")
    page.page.keyboard.press("Escape")
    page.wait_for("verdict", " 0 of ")
    assert page.lines[0] == "the tab is hidden: the game waits"


def test_a_user_script_alone_makes_no_request(browser: Browser, toy: None, folder: Path) -> None:
    tape = toy_tape(LANDING)
    page = browser.new_context().new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.add_init_script(user_script(tapes_content("run", [tape])))
    page.goto((folder / "index.html").as_uri())
    wait_for_overlay(page, "verdict", f"landed at tick {tape.ticks}")
    assert read_overlay(page, "verdict").endswith("as the tape claims, bit for bit")
    assert {request.rsplit("/", 1)[1] for request in requests} <= {"index.html", "toy.js"}
    page.context.close()


def test_a_user_script_alone_knows_a_false_run(browser: Browser, toy: None, folder: Path) -> None:
    write_page(folder, drift=1e-12)
    tape = toy_tape(LANDING)
    page = browser.new_context().new_page()
    page.add_init_script(user_script(tapes_content("run", [tape])))
    page.goto((folder / "index.html").as_uri())
    wait_for_overlay(page, "verdict", "not as the tape claims")
    page.context.close()


def test_the_pages_sines_are_the_platforms(browser: Browser) -> None:
    """Every platform's sine as the page has it, over the probe's 65,536 angles."""
    parts = "\n".join(asset(f"{name}.js") for name in ("sine", "shim"))
    page = browser.new_page()
    checksums = page.evaluate(
        f"(() => {{ const SCRIPT = {{probe: {{arguments: 65536, span: 20}}}}; {parts} "
        "return Object.fromEntries(Object.keys(SINES).map((name) => "
        "[name, sineChecksum(...sineOf(name))])); })()"
    )
    page.close()
    assert checksums == sine_checksums()
    assert len(set(checksums.values())) == 4
