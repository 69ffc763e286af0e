"""The engine equals the original game in every value of every recorded run."""

import numpy as np
import pytest

from qwop_wr.simulator.exact import ExactSimulator
from qwop_wr.simulator.platforms import PLATFORMS
from tests.simulator.exact.recordings import (
    BEFORE_SOFT_RESETS,
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
    counts = {name: sum(platform == name for platform, _ in HARD_RESETS) for name in PLATFORMS}
    assert counts == {"chromium": 7, "firefox": 7, "chromium110": 7, "node": 29}
    for platform, name in BEFORE_SOFT_RESETS.items():
        assert (platform, name) in HARD_RESETS


@pytest.mark.parametrize(("platform", "name"), HARD_RESETS)
def test_one_game_alone(platform: str, name: str) -> None:
    follow(ExactSimulator(1, platform), load(platform, name))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_all_recordings_at_once_in_any_order(platform: str, seed: int) -> None:
    all_names = np.array([name for on, name in HARD_RESETS if on == platform])
    names = np.random.default_rng(seed).permutation(all_names)
    recordings = [load(platform, str(name)) for name in names]
    simulator = ExactSimulator(len(names), platform)
    for tick in range(1 + max(len(recording.keys) for recording in recordings)):
        now = observed(simulator)
        for game, recording in enumerate(recordings):
            if tick <= len(recording.keys):
                for name, values in now.items():
                    expected = recording.fields[name][tick]
                    assert same_bits(values[game], expected), f"{names[game]} {name} at {tick}"
        held = [r.keys[tick] if tick < len(r.keys) else 0 for r in recordings]
        simulator.step(np.array(held, dtype=np.uint8))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_soft_resets_follow_on_the_used_world(platform: str) -> None:
    simulator = ExactSimulator(1, platform)
    follow(simulator, load(platform, BEFORE_SOFT_RESETS[platform]))
    for name in SOFT_RESETS:
        simulator.reset(soft=True)
        follow(simulator, load(platform, name))


def test_recordings_reach_sleep_hurdle_and_sand_pit() -> None:
    asleep = load("node", "hold_w").fields["state"]
    assert not np.any(asleep[237, :, 3:])
    for platform, name in BEFORE_SOFT_RESETS.items():
        knocked = load(platform, name).fields
        assert np.any(knocked["hurdle"][-1] != knocked["hurdle"][0])
        assert knocked["flags"][-1] & 4
