"""In which browser a recording was made, by its end."""

import json
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.simulator.exchange import gym_recording
from qwop_wr.simulator.exchange.origins import find_origin
from qwop_wr.simulator.platforms import PLATFORMS
from qwop_wr.simulator.tape import Tape, verify_tape

RECORDINGS = Path(__file__).parents[4] / "shared/golden/recordings/qwop_gym.json"


@pytest.mark.skipif(not RECORDINGS.is_file(), reason="the recordings are not to be distributed")
def test_a_strangers_runs_in_chrome_come_true() -> None:
    content = json.loads(RECORDINGS.read_text(encoding="utf-8"))
    ticks = content["frames_per_step"]
    assert content["action_masks"] == ACTION_SETS["full"].tolist()
    for run in content["runs"]:
        # As play would have written them: its first run of a page is an even one.
        earlier = "" if run["soft_resets_before"] else "0\nX\n"
        text = f"seed=1\n{earlier}" + "".join(f"{a}\n" for a in run["actions"]) + "*\n"
        (episode,) = gym_recording.decode(
            text.encode(), ACTION_SETS["full"].tolist(), ticks
        ).episodes
        assert episode.soft_resets == run["soft_resets_before"]
        resets = (episode.soft_resets, 1 - episode.soft_resets)
        origin = find_origin(episode.keys, ticks, "exact", PLATFORMS, resets, {})
        assert (origin.is_true, origin.alike, origin.others) == (True, ("chromium110",), ())
        tape = origin.tape
        assert tape.platform == "chromium110"
        assert tape.soft_resets == run["soft_resets_before"]
        assert tape.ticks == run["end_tick"] + gym_recording.RESET_TICKS
        assert tape.finished
        assert tape.state_sha256 == run["state_sha256"]
        game = verify_tape(tape)
        assert game == tape.claims
        clock = (run["end_tick"] + 1) / 30 + 0.25
        assert clock == pytest.approx(run["game_time"], abs=6e-4)
        state = tape.simulator()
        for mask, held in tape.keys:
            state.step(np.array([mask], dtype=np.uint8), held)
        assert state.state[0, 0, 0] / 10 == pytest.approx(run["distance"], abs=6e-5)
        assert json.loads(tape.to_json())["soft_resets"] == run["soft_resets_before"]
        assert Tape.from_json(tape.to_json()) == tape


def test_a_fall_that_is_alike_everywhere() -> None:
    keys = np.append(np.uint8(0), np.full(200, 4, np.uint8))
    fall = Tape.record(keys).ticks
    cut = keys[: fall + 1]  # The last action of two ticks has one tick after the fall.
    origin = find_origin(cut, 2, "exact", PLATFORMS, (1, 0), {})
    assert origin.is_true
    assert origin.tape.soft_resets == 1
    assert origin.tape.ticks == fall


def test_no_end_comes_true() -> None:
    keys = np.append(np.uint8(0), np.full(20, 4, np.uint8))
    origin = find_origin(keys, 4, "exact", PLATFORMS, (1, 0), {"a": 1})
    assert (origin.is_true, origin.alike, origin.others) == (False, (), ())
    assert (origin.tape.platform, origin.tape.soft_resets) == (PLATFORMS[0], 1)
    assert origin.tape.meta == {"a": 1}


def test_a_run_that_ends_too_early() -> None:
    keys = np.append(np.uint8(0), np.full(300, 4, np.uint8))
    assert not find_origin(keys, 4, "box2d", (None,), (0,), {}).is_true
