"""The public QWOP-RL recordings, converted as far as our observation allows.

A file holds ``obs`` (N, 71), ``actions`` (N, 1), ``rewards`` (N,), ``episode_returns`` (E,)
and ``episode_starts`` (N,). An observation is, by the names of the browser's objects in
alphabetical order: the head's angle, vx, vy, x and y; the eleven joints' angles; and the
same five of left arm, calf, foot, forearm, thigh, right arm, calf, foot, forearm, thigh
and torso. Units are the game's own. In most files x is relative to the torso, whose own x
is then 0; in older ones it is not. The source is the published files themselves
(https://github.com/Wesleyliao/QWOP-RL), whose first observations are the game's start.

They lack the runner's position, the duration of an action, angular velocities, the hurdle,
and the game's hidden state. The first two are estimated, see :func:`convert`; the
``absolute`` observation does not need the rest.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.transitions import Transitions
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer
from qwop_wr.envs.observations import absolute_quantities
from qwop_wr.envs.rewards import decision_rewards
from qwop_wr.simulator.anatomy import PART_INDEX, PARTS
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP, TIME_STEP, UNITS_PER_METRE
from qwop_wr.simulator.keys import O, P, Q, W, effective_keys

ARRAYS: Final = ("obs", "actions", "rewards", "episode_returns", "episode_starts")
"""Names of the arrays in a file."""

TICKS_PER_ACTION: Final = 3
"""Nominal duration of an action: 0.1 s."""

MASKS: Final = (Q | W, Q | O, Q | P, Q, W | O, W | P, W, O | P, O, P, 0)
"""Keys of each action."""

_N_NUMBERS: Final = 71
_N_JOINTS: Final = 11
_PARTS: Final = (
    "head", "left_arm", "left_calf", "left_foot", "left_forearm", "left_thigh",
    "right_arm", "right_calf", "right_foot", "right_forearm", "right_thigh", "torso",
)  # fmt: skip
_FIELDS: Final = (3, 4, 0, 1, 2)
"""Places of x, y, angle, vx and vy among a part's five."""
_START_TOLERANCE: Final = 1.0
_STEADY_SPEED: Final = 0.5
_WORLD_SPEED: Final = TIME_STEP / CLOCK_STEP
_START: Final = next(part for part in PARTS if part.name == "torso")


class ConvertedRuns(NamedTuple):
    """The runs of a file.

    Attributes:
        transitions: The decisions, from the first key of every run on: a clone of a
            waiting player would wait for ever. The last one of a run, whose outcome is not
            recorded, is left out.
        seconds_per_action: Estimated mean duration of an action [s].
        has_position: Whether the file holds the runner's position; else it is estimated.
        distances: Distance of every recorded run by that position [m], shape (E,).
    """

    transitions: Transitions
    seconds_per_action: float
    has_position: bool
    distances: Floats


def convert(arrays: Mapping[str, NDArray[Any]], environment: EnvironmentOptions) -> ConvertedRuns:
    """Converts recordings to transitions.

    The duration of an action is the median, over parts that rise or sink before and after
    it, of their change in height divided by their mean vertical speed. Where x is
    relative, the torso's is the sum of its mean horizontal speeds times that, from the
    start on; runs that finish the 100 m end at 96 to 98 m by this estimate. Rewards are the
    environment's for that advance, and no step ends in a fall.

    Raises:
        ValueError: If the arrays are not such recordings, or the environment's observation is
            not ``absolute`` or its action set too small.
    """
    if environment.observation != "absolute":
        raise ValueError(
            "recordings lack angular velocities, contacts and hidden state, so that only the "
            f"'absolute' observation can be made of them, not {environment.observation!r}"
        )
    _check(arrays)
    starts = arrays["episode_starts"].astype(np.bool_)
    state = _state(arrays["obs"].astype(np.float64), starts)
    episode = np.cumsum(starts) - 1  # (N,)
    inner = np.flatnonzero(~starts[1:])  # steps whose next one is of the same run
    elapsed = _elapsed(state, inner)
    has_position = bool(state[:, 0, 0].any())
    if not has_position:
        state[:, :, 0] += _positions(state[:, 0, 3], starts, elapsed)[:, None]
    inner = inner[_begun(arrays["actions"][:, 0], episode)[inner]]
    if not len(inner):
        raise ValueError("no key is pressed in any of its runs")
    observer = Observer("absolute")
    seen = observer.scale(absolute_quantities(state))
    advance = state[inner + 1, 0, 0] - state[inner, 0, 0]
    ticks = np.full(len(inner), environment.ticks_per_action)
    never = np.zeros(len(inner), dtype=np.bool_)
    rewards = decision_rewards(environment, advance, ticks, never, never)
    actions = _action_indices(environment.actions)[arrays["actions"][inner, 0]]
    if (actions < 0).any():
        raise ValueError(
            f"action set {environment.actions!r} cannot express all its key sets; minimal and "
            "full can"
        )
    _, renumbered = np.unique(episode[inner], return_inverse=True)
    transitions = Transitions(
        obs=seen[inner],
        actions=actions,
        rewards=rewards.astype(np.float32),
        next_obs=seen[inner + 1],
        dones=never,
        episode=renumbered.astype(np.int32),
    )
    ends = np.append(np.flatnonzero(starts)[1:], len(starts)) - 1
    return ConvertedRuns(
        transitions, elapsed / _WORLD_SPEED, has_position, state[ends, 0, 0] / UNITS_PER_METRE
    )


def _check(arrays: Mapping[str, NDArray[Any]]) -> None:
    obs, actions, starts = (arrays[name] for name in ("obs", "actions", "episode_starts"))
    n = len(obs) if obs.ndim else 0
    shapes = {
        "obs": (n, _N_NUMBERS),
        "actions": (n, 1),
        "rewards": (n,),
        "episode_returns": (int(starts.sum()) if starts.dtype.kind == "b" else 0,),
        "episode_starts": (n,),
    }
    kinds = {"obs": "f", "actions": "iu", "rewards": "f", "episode_returns": "f"}
    for name, shape in shapes.items():
        array, kind = arrays[name], kinds.get(name, "b")
        if array.dtype.kind not in kind or array.shape != shape:
            words = {"f": "real numbers", "iu": "whole numbers", "b": "booleans"}[kind]
            raise ValueError(
                f"its array {name!r} must be {words} of shape {shape}, "
                f"got {array.dtype} of shape {array.shape}"
            )
    if n < 2 or not starts[0] or starts.sum() == n:
        raise ValueError("it holds no run of two steps, or does not begin with the start of one")
    if not np.isfinite(obs).all():
        raise ValueError("its array 'obs' holds values that are not finite")
    if actions.min() < 0 or actions.max() >= len(MASKS):
        wrong = actions.min() if actions.min() < 0 else actions.max()
        raise ValueError(f"it holds action {wrong}, but only 0 to {len(MASKS) - 1} are known")


def _state(obs: Floats, starts: NDArray[np.bool_]) -> Floats:
    """Orders the numbers as in our state, shape (N, 12, 6); angular velocities stay 0."""
    state = np.zeros((len(obs), len(PARTS), 6))
    parts = np.concatenate([obs[:, :5], obs[:, 5 + _N_JOINTS :]], axis=1).reshape(-1, 12, 5)
    for place, name in enumerate(_PARTS):
        state[:, PART_INDEX[name], :5] = parts[:, place, _FIELDS]
    pose = np.empty(len(PARTS))
    for part in PARTS:
        pose[PART_INDEX[part.name]] = part.position[1]
    away = np.abs(np.median(state[starts, :, 1], axis=0) - pose).max()
    if away > _START_TOLERANCE:
        raise ValueError(
            f"its runs begin with a part {away:.1f} units off the game's start; are its columns "
            "head, joints, left arm to torso, each part as angle, vx, vy, x and y?"
        )
    return state


def _begun(actions: NDArray[np.integer[Any]], episode: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which steps come after or with the first key of their run, shape (N,)."""
    pressed = np.cumsum(np.array(MASKS)[actions] != 0)
    before = np.concatenate([[0], pressed])[np.searchsorted(episode, episode)]
    begun: NDArray[np.bool_] = pressed > before
    return begun


def _elapsed(state: Floats, inner: NDArray[np.int64]) -> float:
    """Returns the median world time per action, of all parts that rise or sink steadily."""
    rise = state[inner + 1, :, 1] - state[inner, :, 1]  # (n, 12)
    before, after = state[inner, :, 4], state[inner + 1, :, 4]
    steady = (np.minimum(np.abs(before), np.abs(after)) > _STEADY_SPEED) & (before * after > 0)
    mean = (before[steady] + after[steady]) / 2
    elapsed = float(np.median(rise[steady] / mean)) if steady.any() else 0.0
    if not 0.5 * TIME_STEP < elapsed < 30 * TIME_STEP:
        raise ValueError(
            f"its heights and vertical speeds would mean {elapsed / _WORLD_SPEED:.3f} s per "
            "action; are its columns in another order?"
        )
    return elapsed


def _positions(speeds: Floats, starts: NDArray[np.bool_], elapsed: float) -> Floats:
    """Integrates speeds from the start of every run by the trapezium rule, shape (N,)."""
    steps = np.concatenate([[0.0], (speeds[1:] + speeds[:-1]) / 2 * elapsed])
    travelled = np.cumsum(np.where(starts, 0.0, steps))
    first = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    positions: Floats = _START.position[0] + travelled - travelled[first]
    return positions


def _action_indices(action_set: str) -> NDArray[np.int64]:
    """Returns the set's action of the same effect as each of theirs, -1 if there is none."""
    effects = [effective_keys(int(mask)) for mask in ACTION_SETS[action_set]]
    wanted = [effective_keys(mask) for mask in MASKS]
    return np.array([effects.index(mask) if mask in effects else -1 for mask in wanted])
