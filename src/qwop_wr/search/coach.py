"""A coach with foresight: rates actions by trying them on exact clones."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator
from scipy.special import softmax

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import RatedActions, joined
from qwop_wr.agents.policy import Policy
from qwop_wr.compute import SERIAL, Job, WorkContext, run_job
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, QwopVectorEnv, Snapshot
from qwop_wr.errors import BadInputError
from qwop_wr.options import Options
from qwop_wr.search.foresight import ForesightOptions, Start, Trials, View, best_actions
from qwop_wr.search.judge import JudgeOptions, Play, follow
from qwop_wr.simulator.base import Booleans
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.stopping import stop_if_requested, stop_requested

_UPRIGHT: Final = 1
"""Index of the hurdle's upright, which is what legs touch."""


class HazardOptions(Options):
    """Where agents fall.

    Of agents that finish 97 runs in 100, nearly all other runs fall in these places: an
    idle tick more or less gives another start, and a hurdle that was knocked over stays
    between the legs for up to 40 m (docs/training.md).
    """

    start: float = Field(default=8.0, ge=0, allow_inf_nan=False)
    """End of the start [m]."""
    hurdle_ahead: float = Field(default=2.5, ge=0, allow_inf_nan=False)
    """The hurdle is a hazard from this distance before it [m] ..."""
    hurdle_behind: float = Field(default=4.0, ge=0, allow_inf_nan=False)
    """... to this distance behind it [m]."""

    def reached(self, games: Snapshot) -> Booleans:
        """Returns whether each of n games is in such a place, shape (n,)."""
        torso = games.torso_x / UNITS_PER_METRE
        hurdle = games.hurdle[:, _UPRIGHT, 0] / UNITS_PER_METRE - torso
        near = (hurdle < self.hurdle_ahead) & (hurdle > -self.hurdle_behind)
        starting: Booleans = torso < self.start
        return starting | near


class ForesightCoachOptions(Options):
    """Which decisions a coach rates, and how."""

    n_games: PositiveInt = 768
    """Episodes per round, all at once."""
    groups: PositiveInt = 2
    """Groups of games that are played in parallel, each on one core."""
    rated_share: float = Field(default=0.12, ge=0, le=1)
    """Share of the decisions that are rated outside the hazards."""
    hazard_share: float = Field(default=0.4, gt=0, le=1)
    """Share of the decisions that are rated in the hazards."""
    hazards: HazardOptions = HazardOptions()
    """Where agents often fall."""
    least_doubt: float = Field(default=0.15, ge=0, le=0.5)
    """Decisions are tried if the softmax of the scores gives the second-best action at least
    this probability, one half at most. The others have hardly a gradient; they count as even,
    and only hold the policy where it is."""
    foresight: ForesightOptions = ForesightOptions()
    """How far the coach looks ahead."""
    judge: JudgeOptions = JudgeOptions()
    """How the values follow the agent."""

    @model_validator(mode="after")
    def _compares(self) -> "ForesightCoachOptions":
        if self.foresight.proposals < 2:
            raise ValueError("foresight.proposals must be at least 2: a coach compares actions")
        return self


class _Group(NamedTuple):
    env: QwopVectorEnv
    rng: np.random.Generator
    play: Play


class _Lesson(NamedTuple):
    agent: Agent
    judge: Policy
    options: ForesightCoachOptions


class _Rating(NamedTuple):
    """Alternatives that are tried while the games go on with the agent's own actions."""

    decision: int
    start: Start
    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    others: NDArray[np.float64]


class ForesightCoach:
    """Compares an agent's own actions with its next best ones, see :class:`Trials`.

    The alternatives are tried on clones, decision by decision beside the games. Where the
    agent's own action leads is seen in the game itself; where noise has changed the keys until
    then, there is no rating. Ratings do not depend on the number of cores, but on the number
    of groups.

    Args:
        judge: Agent whose values rate the end of a trial, whichever agent is coached. After every
            round they are fitted to the round's games.
        environment: Games to play, with their noise.
        options: Which decisions to rate, and how.

    Attributes:
        judge: The agent whose values rate the next round.
    """

    def __init__(
        self, judge: Agent, environment: EnvironmentOptions, options: ForesightCoachOptions
    ) -> None:
        self.judge, self._environment, self._options = judge, environment, options
        groups = np.array_split(np.arange(options.n_games), min(options.groups, options.n_games))
        self._games = [QwopVectorEnv(len(part), environment, autoreset=False) for part in groups]

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        """Lets an agent play one episode per game and rates its alternatives.

        Returns:
            Ratings of the decisions that were drawn, group by group.

        Raises:
            BadInputError: If no decision was rated.
            FloatingPointError: If the judge's loss is not finite.
            KeyboardInterrupt: If a stop was requested.
        """
        options, environment = self._options, self._environment
        groups = [
            _Group(games, own, Play(environment.observation))
            for games, own in zip(self._games, rng.spawn(len(self._games)), strict=True)
        ]
        lesson = _Lesson(agent, self.judge.policy(), options)
        job = Job("coaching", _rate, lesson, _describe, "groups", threads=True)
        parts = [done.value for done in run_job(job, groups, SERIAL, progress=False)]
        stop_if_requested()
        rated = [some for part in parts for some in part if len(some.actions)]
        if not rated:
            raise BadInputError(
                "the coach has rated no decision; raise rated_share or hazard_share, or lower "
                "foresight.decisions or the games' sticky"
            )
        plays, fall_cost = [group.play for group in groups], options.foresight.fall_cost
        self.judge = follow(self.judge, plays, environment, fall_cost, options.judge, rng)
        return joined(rated)


def _describe(group: _Group) -> str:
    return f"a group of {group.env.num_envs} games"


def _rate(lesson: _Lesson, group: _Group, context: WorkContext) -> list[RatedActions]:
    """Plays one episode in every game of a group; ends early on a stop."""
    (agent, judge, options), (env, rng, play) = lesson, group
    policy, foresight = agent.policy(), options.foresight
    trials, masks = Trials(policy, judge, env, foresight), ACTION_SETS[env.options.actions]
    env.reset(seed=rng.integers(2**31, size=env.num_envs).tolist())
    view = trials.look()
    running, rated = np.ones(env.num_envs, dtype=np.bool_), list[RatedActions]()
    # Decisions in which noise last changed a game's keys, and after which its runner last lay.
    changed, fallen = np.full((2, env.num_envs), -1)
    pending, decision = deque[_Rating](), 0
    # As on clones, play goes on after the end of an episode, until all that is pending is rated.
    while (running.any() or pending) and not (context.stopped() or stop_requested()):
        play.watch(view, running)
        scores = policy.action_scores(view.observations)
        proposed = best_actions(scores, foresight.proposals)
        is_drawn = running & _is_rated(view.now, options, rng)
        doubted = _second_probabilities(scores) >= options.least_doubt
        even = np.flatnonzero(is_drawn & ~doubted)
        rated.append(_even(view.observations[even], proposed[even]))
        drawn = np.flatnonzero(is_drawn & doubted)
        if len(drawn):
            seen, actions = view.observations[drawn], proposed[drawn]
            start = trials.start(view, drawn)
            others = trials.add(start, actions[:, 1:])
            pending.append(_Rating(decision, start, seen, actions, others))
        _, _, terminated, truncated, _ = env.step(proposed[:, 0])
        view, is_changed = trials.look(), env.last_keys != masks[proposed[:, 0]]
        trials.abandon(is_changed)
        trials.advance()
        changed[is_changed] = decision
        fallen[view.fallen] = decision
        running &= ~(terminated | truncated)
        decision += 1
        while pending and pending[0].decision + foresight.decisions == decision:
            rated.append(_complete(pending.popleft(), trials, view, changed, fallen))
    play.watch(view, running)
    return rated


def _second_probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the second-best actions' probabilities in the softmax of the scores, shape (n,)."""
    probabilities: NDArray[np.float32] = softmax(scores, axis=1)
    return np.partition(probabilities, -2, axis=1)[:, -2]


def _even(observations: NDArray[np.float32], actions: NDArray[np.int64]) -> RatedActions:
    return RatedActions(observations, actions, np.zeros(actions.shape, dtype=np.float32))


def _complete(
    rating: _Rating,
    trials: Trials,
    view: View,
    changed: NDArray[np.int64],
    fallen: NDArray[np.int64],
) -> RatedActions:
    """Adds the ratings of the agent's own actions where no noise has changed the keys."""
    games = rating.start.games
    own = trials.played(rating.start, view, fallen[games] >= rating.decision)
    ratings = np.column_stack([own, rating.others]).astype(np.float32)
    kept = changed[games] < rating.decision
    return RatedActions(rating.observations[kept], rating.actions[kept], ratings[kept])


def _is_rated(
    games: Snapshot, options: ForesightCoachOptions, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draws which games' current decisions are rated, shape (n,)."""
    reached = options.hazards.reached(games)
    shares = np.where(reached, options.hazard_share, options.rated_share)
    return np.asarray(rng.random(len(shares)) < shares)
