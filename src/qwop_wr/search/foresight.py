"""Trials of actions on exact clones of games, and the policy that chooses by them."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveInt

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Policy
from qwop_wr.envs import ACTION_SETS, Observer, QwopVectorEnv, Snapshot
from qwop_wr.envs.rewards import reward_rates
from qwop_wr.options import Options
from qwop_wr.search.guide import EndlessTrack
from qwop_wr.simulator.base import Booleans, Simulator
from qwop_wr.simulator.constants import GROUND_Y, UNITS_PER_METRE

_BLOCK: Final = 128
"""There is room for a multiple of so many clones: every size is allocated anew."""


class ForesightOptions(Options):
    """How far ahead to look."""

    proposals: PositiveInt = 2
    """Actions compared in a decision: those with the best scores."""
    decisions: PositiveInt = 20
    """Decisions played in every trial, all but the first by the policy."""
    value_weight: NonNegativeFloat = 0.8
    """Weight of the value of a trial's last state against metres."""
    fall_cost: NonNegativeFloat = 16.0
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

    def take(self, rows: NDArray[np.int64]) -> "Start":
        """Selects some by indices."""
        return Start(self.games[rows], self.torso_x[rows], self.ticks[rows], self.fall_value)


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


class _Clones(NamedTuple):
    """Clones that are played, the first n games of a simulator; all of shape (n,).

    Attributes:
        games: Indices of the games that they were cloned from.
        due: Decision after which they are rated.
        place: Where their rating goes among those that are due then, flattened.
        actions: Next actions.
        fallen: Whether the runner has fallen.
    """

    games: NDArray[np.int64]
    due: NDArray[np.int64]
    place: NDArray[np.int64]
    actions: NDArray[np.int64]
    fallen: Booleans

    def take(self, rows: NDArray[Any]) -> "_Clones":
        return _Clones(*(column[rows] for column in self))

    def joined(self, others: "_Clones") -> "_Clones":
        return _Clones(*(np.concatenate(pair) for pair in zip(self, others, strict=True)))


class _Awaited(NamedTuple):
    """Ratings [m] of actions, shape (n, k), that were tried where n games were at a start."""

    start: Start
    ratings: NDArray[np.float64]


class Trials:
    """Plays actions on exact clones of noisy games and rates where they lead.

    After the action the policy goes on for some decisions; the rating is the metres made and
    the value of the last state. Clones are without noise: future noise is unknown. All clones
    take their next decision together, whenever they began, so that engine and policy are
    called once for all of them.

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
        self._per_metre = reward_rates(env.options).per_metre
        self._simulator = env.options.make_games(_BLOCK)
        none = np.empty(0, dtype=np.int64)
        self._clones = _Clones(none, none, none, none, none.astype(np.bool_))
        self._awaited: dict[int, _Awaited] = {}
        self._decision = 0

    def look(self) -> View:
        """Observes the games themselves, on after their ends as well."""
        return self._view(self._env.simulator)

    def start(self, view: View, games: NDArray[np.int64]) -> Start:
        """Notes where some of the games in view are, given by indices, shape (n,)."""
        values = self._values(view.observations[games])
        fall_value = float(np.median(values)) - self._options.fall_cost
        return Start(games, view.now.torso_x[games], view.now.ticks[games], fall_value)

    def add(self, start: Start, actions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Begins to try actions, shape (n, k), in games that are where they began.

        Trials can be added once per decision.

        Returns:
            Ratings [m], shape (n, k): NaN until the trials are over, see ``advance``.
        """
        due = self._decision + self._options.decisions
        added = _Clones(
            np.repeat(start.games, actions.shape[1]),
            np.full(actions.size, due),
            np.arange(actions.size),
            actions.ravel(),
            np.zeros(actions.size, dtype=np.bool_),
        )
        before = len(self._clones.due)
        places = np.arange(before, before + actions.size)
        self._make_room(before + actions.size)
        self._simulator.copy_games(self._env.simulator, added.games, places)
        self._clones = self._clones.joined(added)
        self._awaited[due] = awaited = _Awaited(start, np.full(actions.shape, np.nan))
        return awaited.ratings

    def abandon(self, games: Booleans) -> None:
        """Gives up what is tried in some of the games, shape (n_games,); it is never rated."""
        self._keep(~games[self._clones.games])

    def advance(self) -> None:
        """Plays a decision of all clones and fills in the ratings of trials that are over."""
        self._decision += 1
        awaited = self._awaited.pop(self._decision, None)
        clones, n = self._clones, len(self._clones.due)
        if n == 0:
            return
        keys = np.zeros(self._simulator.n_games, dtype=np.uint8)
        keys[:n] = self._masks[clones.actions]
        self._simulator.step(keys, self._env.options.ticks_per_action)
        view = self._view(self._simulator)
        self._clones = clones._replace(fallen=clones.fallen | view.fallen[:n])
        over = clones.due == self._decision
        if awaited is not None and over.any():
            rows = np.flatnonzero(over)
            place, fallen = clones.place[rows], self._clones.fallen[rows]
            start = awaited.start.take(place // awaited.ratings.shape[1])
            awaited.ratings.flat[place] = self._rated(start, view, fallen, rows)
        kept = self._keep(~over)
        if len(kept):
            actions = self._policy.act(view.observations[kept])
            self._clones = self._clones._replace(actions=actions)

    def play(self, start: Start, actions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Tries actions, shape (n, k), from beginning to end; returns ratings [m], (n, k)."""
        ratings = self.add(start, actions)
        for _ in range(self._options.decisions):
            self.advance()
        return ratings

    def played(self, start: Start, view: View, fallen: Booleans) -> NDArray[np.float64]:
        """Rates the play of the games themselves since they began, shape (n,).

        Args:
            view: All games as they are.
            fallen: Whether those that began have fallen since then, shape (n,).
        """
        return self._rated(start, view, fallen, start.games)

    def _keep(self, kept: Booleans) -> NDArray[np.int64]:
        """Moves clones that are kept, shape (n,), to the front; returns where they were."""
        n = int(kept.sum())
        holes, behind = np.flatnonzero(~kept[:n]), n + np.flatnonzero(kept[n:])
        origins = np.arange(n)
        origins[holes] = behind
        self._simulator.copy_games(self._simulator, behind, holes)
        self._clones = self._clones.take(origins)
        return origins

    def _make_room(self, n: int) -> None:
        """Gets a simulator of ``n`` games and not many more, with the clones so far."""
        size = -(-n // _BLOCK) * _BLOCK
        if not size <= self._simulator.n_games <= size + _BLOCK:
            roomy = self._env.options.make_games(size)
            places = np.arange(len(self._clones.due))
            roomy.copy_games(self._simulator, places, places)
            self._simulator = roomy

    def _values(self, observations: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the judge's values [m], shape (n,), of observations (n, d)."""
        values = self._judge.values(self._track.hide_finish(observations))
        return values.astype(np.float64) / self._per_metre

    def _view(self, games: Simulator) -> View:
        now = Snapshot.of(games)
        sunk = now.torso_y > self._options.sink_height
        return View(now, self._observer.observe(now), (now.ended & ~now.landed) | sunk)

    def _rated(
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
        values = self._values(view.observations[rows])
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
        start = self._trials.start(self._trials.look(), np.arange(len(observations)))
        ratings = self._trials.play(start, proposed)
        ratings[:, 0] += self._least_gain
        return np.asarray(proposed[np.arange(len(proposed)), ratings.argmax(axis=1)])


def best_actions(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Returns the ``k`` best-scored actions or all, the best first, shape (n, k)."""
    order: NDArray[np.int64] = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order
