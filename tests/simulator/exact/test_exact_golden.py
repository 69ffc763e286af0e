"""The engine equals the original game in every value of every recorded run."""

import numpy as np
import pytest

from qwop_wr.simulator.exact import ExactSimulator
from tests.simulator.exact.recordings import (
    HARD_RESETS,
    SOFT_RESETS,
    Recording,
    assert_follows,
    load,
    observed,
    same_bits,
)


def follow(simulator: ExactSimulator, recording: Recording) -> None:
    """Play a recording in the only game and compare after every tick."""
    assert_follows(simulator, 0, recording, 0)
    for tick, keys in enumerate(recording.keys):
        simulator.step(np.array([keys]))
        assert_follows(simulator, 0, recording, tick + 1)


def test_all_recordings_are_here() -> None:
    assert len(HARD_RESETS) + len(SOFT_RESETS) == 31
    assert "runner_hurdle_0" in HARD_RESETS


@pytest.mark.parametrize("name", HARD_RESETS)
def test_one_game_alone(name: str) -> None:
    follow(ExactSimulator(1), load(name))


@pytest.mark.parametrize("seed", [0, 1])
def test_all_recordings_at_once_in_any_order(seed: int) -> None:
    names = np.random.default_rng(seed).permutation(np.array(HARD_RESETS))
    recordings = [load(str(name)) for name in names]
    simulator = ExactSimulator(len(names))
    for tick in range(1 + max(len(recording.keys) for recording in recordings)):
        now = observed(simulator)
        for game, recording in enumerate(recordings):
            if tick <= len(recording.keys):
                for name, values in now.items():
                    expected = recording.fields[name][tick]
                    assert same_bits(values[game], expected), f"{names[game]} {name} at {tick}"
        held = [r.keys[tick] if tick < len(r.keys) else 0 for r in recordings]
        simulator.step(np.array(held, dtype=np.uint8))


def test_soft_resets_follow_on_the_used_world() -> None:
    simulator = ExactSimulator(1)
    follow(simulator, load("runner_hurdle_0"))
    for name in SOFT_RESETS:
        simulator.reset(soft=True)
        follow(simulator, load(name))


def test_recordings_reach_sleep_hurdle_and_sand_pit() -> None:
    asleep = load("hold_w").fields["state"]
    assert not np.any(asleep[237, :, 3:])
    knocked = load("runner_hurdle_0").fields
    assert np.any(knocked["hurdle"][-1] != knocked["hurdle"][0])
    assert knocked["flags"][-1] & 4


def test_many_ticks_in_one_call() -> None:
    recording = load("hold_p")
    simulator = ExactSimulator(1)
    simulator.step(recording.keys[:1], ticks=len(recording.keys))
    assert_follows(simulator, 0, recording, len(recording.keys))
