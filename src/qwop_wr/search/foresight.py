"""Trials of actions on exact clones of games, and the policy that chooses by them."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveInt

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Policy
from qwop_wr.envs import ACTION_SETS, Observer, QwopVectorEnv, Snapshot
from qwop_wr.options import Options
from qwop_wr.search.guide import EndlessTrack
from qwop_wr.simulator.base import Booleans, Simulator
from qwop_wr.simulator.constants import GROUND_Y, UNITS_PER_METRE

_CLONED_AT_ONCE: Final = 32
"""Batches of clones are filled up to a multiple of this: every size is allocated once."""


class ForesightOptions(Options):
    """How far ahead to look."""

    proposals: PositiveInt = 2
    """Actions compared in a decision: those with the best scores."""
    decisions: PositiveInt = 20
    """Decisions played in every trial, all but the first by the policy."""
    value_weight: NonNegativeFloat = 0.8
    """Weight of the value of a trial's last state against metres."""
    fall_cost: NonNegativeFloat = 8.0
    """How far the value of a fall is below that of the median state [metres]."""
    sink_height: float = Field(default=1.3, gt=-1.0, lt=GROUND_Y)
    """Torso height that counts as a fall [units, y points down]."""


class Start(NamedTuple):
    """Where trials began.

    Attributes:
        games: Indices of the games, shape (n,).
        torso_x: Positions of the torso [units], shape (n,).
        ticks: Ticks since the reset, shape (n,).
        fall_value: Value of a fall [m].
    """

    games: NDArray[np.int64]
    torso_x: NDArray[np.float64]
    ticks: NDArray[np.int64]
    fall_value: float


class View(NamedTuple):
    """A batch of games after a decision.

    Attributes:
        now: State of n games.
        observations: Shape (n, d).
        fallen: Whose runner lies or has sunk, shape (n,).
    """

    now: Snapshot
    observations: NDArray[np.float32]
    fallen: Booleans


class Trials:
    """Plays actions on exact clones of noisy games and rates where they lead.

    After the action the policy goes on for some decisions; the rating is the metres made and
    the value of the last state. Clones are without noise: future noise is unknown.

    Args:
        policy: Plays the clones.
        judge: Values the last states.
        env: The games that are cloned, without automatic reset; they stay as they are.
        options: How far ahead to look.
    """

    def __init__(
        self, policy: Policy, judge: Policy, env: QwopVectorEnv, options: ForesightOptions
    ) -> None:
        self._policy, self._judge, self._env, self._options = policy, judge, env, options
        self._masks = ACTION_SETS[env.options.actions]
        self._observer = Observer(env.options.observation)
        self._track = EndlessTrack(env.options.observation)
        self._clones: dict[int, Simulator] = {}

    def begin(
        self, now: Snapshot, observations: NDArray[np.float32], games: NDArray[np.int64]
    ) -> Start:
        """Notes where some games are.

        Args:
            now: State of all games.
            observations: Those of ``games``, shape (n, d).
            games: Indices, shape (n,).
        """
        values = self._judge.values(self._track.hide_finish(observations))
        fall_value = float(np.median(values)) - self._options.fall_cost
        return Start(games, now.torso_x[games], now.ticks[games], fall_value)

    def play(self, start: Start, actions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Tries actions, shape (n, k), in games that are where they began.

        Returns:
            Ratings [m], shape (n, k).
        """
        n, k = actions.shape
        surplus = -(n * k) % _CLONED_AT_ONCE
        origins = np.pad(np.repeat(start.games, k), (0, surplus), mode="edge")
        played = np.pad(actions.ravel(), (0, surplus), mode="edge")
        if len(origins) not in self._clones:
            self._clones[len(origins)] = self._env.options.make_games(len(origins))
        clones = self._clones[len(origins)]
        clones.copy_games(self._env.simulator, origins, np.arange(len(origins)))
        view = self._step(clones, played)
        fallen = view.fallen
        for _ in range(self._options.decisions - 1):
            view = self._step(clones, self._policy.act(view.observations))
            fallen |= view.fallen
        torso_x, ticks = np.repeat(start.torso_x, k), np.repeat(start.ticks, k)
        began = Start(origins[: n * k], torso_x, ticks, start.fall_value)
        return self._ratings(began, view, fallen[: n * k], np.arange(n * k)).reshape(n, k)

    def played(self, start: Start, view: View, fallen: Booleans) -> NDArray[np.float64]:
        """Rates the play of the games themselves since they began, shape (n,).

        Args:
            view: All games as they are.
            fallen: Whether those that began have fallen since then, shape (n,).
        """
        return self._ratings(start, view, fallen, start.games)

    def look(self) -> View:
        """Observes the games themselves, on after their ends as well."""
        return self._view(self._env.simulator)

    def _step(self, clones: Simulator, actions: NDArray[np.int64]) -> View:
        clones.step(self._masks[actions], self._env.options.ticks_per_action)
        return self._view(clones)

    def _view(self, games: Simulator) -> View:
        now = Snapshot.of(games)
        sunk = now.torso_y > self._options.sink_height
        return View(now, self._observer.observe(now), (now.ended & ~now.landed) | sunk)

    def _ratings(
        self, start: Start, view: View, fallen: Booleans, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Rates the play that led to some rows of the view; ``fallen`` tells of these rows."""
        now = view.now
        torso_x, ticks, landed = now.torso_x[rows], now.ticks[rows], now.landed[rows]
        metres = (torso_x - start.torso_x) / UNITS_PER_METRE
        # Who has finished stands still; without its pace the slower finisher would lead.
        decisions, ticks_per_action = self._options.decisions, self._env.options.ticks_per_action
        missing = decisions * ticks_per_action - (ticks - start.ticks)
        pace = torso_x / UNITS_PER_METRE / np.maximum(ticks, 1)
        metres = metres + np.where(landed, missing * pace, 0.0)
        observations = self._track.hide_finish(view.observations[rows])
        values = self._judge.values(observations).astype(np.float64)
        values[fallen] = start.fall_value
        return np.asarray(metres + self._options.value_weight * values)


class ForesightPolicy(Policy):
    """The rollout algorithm (Tesauro & Galperin, 1996) on exact clones of noisy games.

    Before every decision each of the best-scored actions is tried on a clone; the one with the
    best rating is taken. This is a policy, and a better one than the agent's.

    Args:
        agent: The agent whose policy is improved, and whose values rate.
        env: The games that are played, without automatic reset.
        options: How far ahead to look.
        least_gain: Another action than the policy's own is taken only if it leads so much
            farther [m].
    """

    def __init__(
        self,
        agent: Agent,
        env: QwopVectorEnv,
        options: ForesightOptions,
        least_gain: float = 0.1,
    ) -> None:
        super().__init__(agent.network(), agent.spec.n_observations, agent.spec.reward_scale)
        own, self._env = agent.policy(), env
        self._trials = Trials(own, own, env, options)
        self._k, self._least_gain = options.proposals, least_gain

    def act(
        self,
        observations: NDArray[np.float32],
        deterministic: bool = True,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.int64]:
        """Chooses one action per game; ``observations`` must be the games' current ones.

        Raises:
            ValueError: If the actions are to be drawn.
        """
        if not deterministic:
            raise ValueError("foresight chooses the best action; it cannot draw one")
        proposed = best_actions(self.action_scores(observations), self._k)
        now, every = Snapshot.of(self._env.simulator), np.arange(len(observations))
        ratings = self._trials.play(self._trials.begin(now, observations, every), proposed)
        ratings[:, 0] += self._least_gain
        return np.asarray(proposed[np.arange(len(proposed)), ratings.argmax(axis=1)])


def best_actions(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Returns the ``k`` best-scored actions or all, the best first, shape (n, k)."""
    order: NDArray[np.int64] = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order
