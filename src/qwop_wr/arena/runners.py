"""A runner in a game of its own, tick by tick, and the sources of its keys."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Protocol

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import single_thread
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.envs.rendering import Lane
from qwop_wr.evaluation.ranking import own_environment
from qwop_wr.simulator import DEFAULT_PLATFORM, ENGINES, Simulator, make_simulator
from qwop_wr.simulator.tape import Tape
from qwop_wr.simulator.tape_format import MAX_TICKS

_BATCH: Final = 16
"""Rows that a policy is asked with: the last bits of a matrix product depend on the number
of rows, and the run must be the one that the evaluation sees."""


class KeySource(Protocol):
    """Source of a runner's keys."""

    def __call__(self, simulator: Simulator, played: Sequence[int]) -> int | None:
        """Chooses the keys of the next tick.

        Args:
            simulator: The runner's game, with nothing else in it.
            played: Masks of all ticks since the reset.

        Returns:
            The mask, or None when there is nothing more to play.
        """
        ...


class TapeKeys:
    """The keys of a tape."""

    def __init__(self, tape: Tape) -> None:
        self._keys = tape.per_tick_keys.tolist()

    def __call__(self, simulator: Simulator, played: Sequence[int]) -> int | None:
        """Reads the next tick's keys off the tape."""
        return self._keys[len(played)] if len(played) < len(self._keys) else None


class AgentKeys:
    """An agent that decides while the game goes on, without noise.

    Raises:
        ValueError: If no environment fits the agent.
    """

    def __init__(self, agent: Agent) -> None:
        options = own_environment(agent, EnvironmentOptions())
        self._ticks_per_action = options.ticks_per_action
        self._masks = ACTION_SETS[options.actions]
        self._observer = Observer(options.observation)
        self._policy = agent.policy()

    def __call__(self, simulator: Simulator, played: Sequence[int]) -> int | None:
        """Holds on to the last decision, or decides anew."""
        if len(played) % self._ticks_per_action:
            return played[-1]
        if not played:
            self._policy.begin()
        observation = self._observer.observe(Snapshot.of(simulator))  # (1, d)
        with single_thread():
            actions = self._policy.act(np.repeat(observation, _BATCH, axis=0))
        return int(self._masks[actions[0]])


class HeldKeys:
    """Keys that somebody presses and releases; a tap between two ticks counts for one."""

    def __init__(self) -> None:
        self._held = 0
        self._tapped = 0

    def press(self, key: int) -> None:
        """Presses a key, given by its bit."""
        self._held |= key
        self._tapped |= key

    def release(self, key: int) -> None:
        """Releases a key, given by its bit."""
        self._held &= ~key

    def release_all(self) -> None:
        """Releases every key."""
        self._held = self._tapped = 0

    def __call__(self, simulator: Simulator, played: Sequence[int]) -> int | None:
        """Takes what is held, and what was tapped since the last tick."""
        mask, self._tapped = self._held | self._tapped, 0
        return mask


class Runner:
    """One runner in a game of its own.

    Args:
        keys: Source of its keys.
        engine: Engine to run on.
        meta: Origin of the keys, for its tape.
        platform: Platform to run on, if the engine knows platforms.
        soft_resets: Soft resets before the first tick, as a tape counts them.

    Attributes:
        played: Masks of all ticks since the reset.
        simulator: Its game.
    """

    def __init__(
        self,
        name: str,
        keys: KeySource,
        engine: str = ENGINES[0],
        meta: Mapping[str, Any] | None = None,
        platform: str | None = DEFAULT_PLATFORM,
        soft_resets: int = 0,
    ) -> None:
        self.name = name
        self.meta = dict(meta or {})
        self.simulator = make_simulator(engine, platform=platform)
        self._soft_resets = soft_resets
        self._keys = keys
        self.reset()

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._is_dry or bool(self.simulator.ended[0])

    @property
    def finished(self) -> bool:
        """Whether the runner has landed in the sand pit."""
        return bool(self.simulator.landed[0])

    @property
    def score(self) -> float:
        """The displayed distance [m]."""
        return float(self.simulator.score[0])

    @property
    def clock(self) -> float:
        """The game's clock [s]."""
        return float(self.simulator.score_time[0])

    @property
    def held(self) -> int:
        """Mask of the keys that were held last."""
        return self.played[-1] if self.played else 0

    @property
    def result(self) -> str:
        """How the run ended, in words; empty while it goes on."""
        if not self.ended:
            return ""
        if self.finished:
            return f"{self.clock:.2f} s"
        verb = "fell" if self.simulator.fallen[0] else "stopped"
        return f"{verb} at {self.score:.1f} m"

    def tick(self) -> None:
        """Plays one tick, unless the run has ended."""
        if self.ended:
            return
        mask = self._keys(self.simulator, self.played)
        self._is_dry = mask is None or len(self.played) >= MAX_TICKS
        if mask is not None and not self._is_dry:
            self._step(mask, 1)
            self.played.append(mask)

    def tape(self) -> Tape:
        """Records the run so far, which must have begun on a fresh page.

        Raises:
            TapeError: If nothing was played.
        """
        keys = np.array(self.played, dtype=np.uint8)
        game = self.simulator
        return Tape.record(keys, game.engine, self.meta, game.platform, self._soft_resets)

    def reset(self, soft: bool = False) -> None:
        """Begins a new run; a soft one goes on with the used world, as in the game."""
        self.simulator.reset(soft=soft)
        for _ in range(0 if soft else self._soft_resets):
            self.simulator.reset(soft=True)
        self.played: list[int] = []
        self._is_dry = False

    def rewind(self, ticks: int) -> None:
        """Goes back to a tick of a run that began on a fresh page; a shorter run stays as it is."""
        if ticks >= len(self.played):
            return
        kept = self.played[: max(ticks, 0)]
        self.reset()
        for mask, group in groupby(kept):
            self._step(mask, len(list(group)))
        self.played = kept

    def lane(self) -> Lane:
        """Describes this moment for a picture of a race."""
        return Lane(
            name=self.name,
            state=self.simulator.state[0],
            hurdle=self.simulator.hurdle[0],
            score=self.score,
            keys=self.held,
            result=self.result,
        )

    def _step(self, mask: int, ticks: int) -> None:
        self.simulator.step(np.array([mask], dtype=np.uint8), ticks)
