"""Starts of searches as keys, and tapes as transitions to learn from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.transitions import Transitions, joined
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.envs.rewards import decision_rewards
from qwop_wr.envs.shaping import Shaping, Step
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.tape import Tape

Prefix = NDArray[np.uint8]
"""Key mask of every tick since a hard reset, shape (ticks,); may be empty."""


def idle_prefix(ticks: int) -> Prefix:
    """Returns a start after some ticks without keys."""
    return np.zeros(ticks, dtype=np.uint8)


def play_prefixes(
    environment: EnvironmentOptions, prefixes: Sequence[Prefix], sink_height: float
) -> Simulator:
    """Plays one game to the end of each prefix; all are running.

    Raises:
        ValueError: If there is no prefix, or one does not lead to a running runner whose
            torso is within ``sink_height`` [units, y points down]; names it.
    """
    if not prefixes:
        raise ValueError("a search needs at least one start; an empty prefix is the hard reset")
    starts, runner = environment.make_games(len(prefixes)), environment.make_games()
    for place, prefix in enumerate(prefixes):
        runner.reset()
        for mask in prefix:
            runner.step(np.array([mask], dtype=np.uint8))
        if runner.ended[0]:
            how = "finishes" if runner.landed[0] else "falls"
            raise ValueError(
                f"start {place}: its prefix of {len(prefix)} ticks {how} in tick "
                f"{runner.ticks[0]}; shorten it"
            )
        if runner.state[0, 0, 1] > sink_height:
            raise ValueError(
                f"start {place}: after its prefix of {len(prefix)} ticks the torso is at "
                f"{runner.state[0, 0, 1]:.2f}, below sink_height {sink_height}; change either"
            )
        starts.copy_games(runner, [0], [place])
    return starts


class Decisions(NamedTuple):
    """A run as the decisions of an agent.

    Attributes:
        idle_ticks: Ticks without keys before the first decision.
        actions: Indices into the environment's action set, shape (n,).
    """

    idle_ticks: int
    actions: NDArray[np.int64]


def decisions_of(tape: Tape, environment: EnvironmentOptions) -> Decisions:
    """Finds the decisions that give the keys of a tape, with the fewest idle ticks.

    The last decision may be cut short by the end of the run.

    Raises:
        ValueError: If the keys change at other ticks than decisions do, or are
            not in the action set, or the run begins on a used page.
    """
    if tape.soft_resets:
        raise ValueError("the tape begins on a used page, but episodes begin on a fresh one")
    keys, per_decision = tape.per_tick_keys, environment.ticks_per_action
    actions = {int(mask): index for index, mask in enumerate(ACTION_SETS[environment.actions])}
    leading = int(np.argmax(keys != 0)) if keys.any() else len(keys)
    for idle in range(min(leading, per_decision - 1) + 1):
        starts = np.arange(idle, len(keys), per_decision)
        masks = keys[starts]
        if np.array_equal(np.repeat(masks, per_decision)[: len(keys) - idle], keys[idle:]):
            break
    else:
        raise ValueError(
            f"the tape's keys change within decisions of {per_decision} ticks; "
            "it was made with another ticks_per_action"
        )
    if unknown := set(masks.tolist()) - actions.keys():
        raise ValueError(
            f"the tape holds keys {min(unknown)}, which action set {environment.actions!r} lacks"
        )
    return Decisions(idle, np.array([actions[mask] for mask in masks.tolist()], dtype=np.int64))


def replay_transitions(tapes: Sequence[Tape], environment: EnvironmentOptions) -> Transitions:
    """Replays tapes without noise, and records their decisions, one episode per tape.

    Raises:
        ValueError: If a tape does not consist of the environment's decisions.
    """
    return joined([_replayed(decisions_of(tape, environment), environment) for tape in tapes])


def _replayed(decisions: Decisions, environment: EnvironmentOptions) -> Transitions:
    game = environment.make_games()
    observer = Observer(environment.observation)
    shaping = None
    if environment.shaping is not None:
        # A demonstration has no part in a curriculum: everything counts in full.
        shaping = Shaping(environment.shaping.model_copy(update={"curriculum": ()}), 1)
    keys = np.zeros(1, dtype=np.uint8)
    game.step(keys, decisions.idle_ticks)
    before = Snapshot.of(game)
    observations, rewards = [observer.observe(before)], []
    for mask in ACTION_SETS[environment.actions][decisions.actions]:
        held, keys = keys, np.array([mask], dtype=np.uint8)
        game.step(keys, environment.ticks_per_action)
        after = Snapshot.of(game)
        finished, fallen = after.ended & after.landed, after.ended & ~after.landed
        advance, ticks = after.torso_x - before.torso_x, after.ticks - before.ticks
        earned = decision_rewards(environment, advance, ticks, finished, fallen)
        if shaping is not None:
            earned = shaping.add(earned, Step(before, after, held, keys, ticks))
        rewards.append(earned)
        observations.append(observer.observe(after))
        before = after
    seen = np.concatenate(observations)  # (n + 1, d)
    n = len(decisions.actions)
    dones = np.zeros(n, dtype=np.bool_)
    dones[-1] = bool(before.ended[0] and not before.landed[0])
    return Transitions(
        obs=seen[:-1],
        actions=decisions.actions,
        rewards=np.concatenate(rewards).astype(np.float32),
        next_obs=seen[1:],
        dones=dones,
        episode=np.zeros(n, dtype=np.int32),
    )
