"""A recorder that writes what QWOP-RL's wrote, of runs on our own engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qwop_wr.imitation.recordings import MASKS
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX

ALPHABETICAL = (
    "head", "left_arm", "left_calf", "left_foot", "left_forearm", "left_thigh", "right_arm",
    "right_calf", "right_foot", "right_forearm", "right_thigh", "torso",
)  # fmt: skip

Arrays = dict[str, NDArray[Any]]


def record(
    lengths: tuple[int, ...] = (40, 25), relative: bool = True, seed: int = 0
) -> tuple[Arrays, NDArray[np.float64]]:
    """Play random actions of three ticks; the file's arrays, and the state at every observation."""
    rng = np.random.default_rng(seed)
    return _recorded([[MASKS[i] for i in rng.integers(11, size=n)] for n in lengths], 3, relative)


def record_run(keys: NDArray[np.uint8], ticks: int) -> tuple[Arrays, NDArray[np.float64]]:
    """Play a run's keys twice, noting them every so many ticks."""
    return _recorded([keys[: len(keys) // ticks * ticks].tolist()] * 2, ticks, True, per_tick=True)


def _recorded(
    runs: list[list[int]], ticks: int, relative: bool, per_tick: bool = False
) -> tuple[Arrays, NDArray[np.float64]]:
    obs, states, actions, starts = [], [], [], []
    for masks in runs:
        game = make_simulator("exact", platform="node")
        held = masks if per_tick else [mask for mask in masks for _ in range(ticks)]
        for tick, mask in enumerate(held):
            if tick % ticks == 0:
                state = game.state[0]
                states.append(state)
                obs.append(_observe(state, relative))
                actions.append(MASKS.index(mask))
                starts.append(tick == 0)
            game.step(np.array([mask], dtype=np.uint8))
    arrays = {
        "actions": np.array(actions)[:, None],
        "obs": np.array(obs),
        "rewards": np.zeros(len(obs)),
        "episode_returns": np.zeros(len(runs)),
        "episode_starts": np.array(starts),
    }
    return arrays, np.array(states)


def _observe(state: NDArray[np.float64], relative: bool) -> NDArray[np.float64]:
    def part(name: str) -> list[float]:
        x, y, angle, vx, vy, _ = state[PART_INDEX[name]]
        return [angle, vx, vy, x - (state[0, 0] if relative else 0.0), y]

    def joint(name: str) -> float:
        spec = next(joint for joint in JOINTS if joint.name == name)
        angles = [state[PART_INDEX[body], 2] for body in (spec.body_a, spec.body_b)]
        return float(angles[1] - angles[0] - spec.reference_angle)

    joints = [joint(name) for name in sorted(joint.name for joint in JOINTS)]
    parts = [number for name in ALPHABETICAL[1:] for number in part(name)]
    return np.array([*part("head"), *joints, *parts])
