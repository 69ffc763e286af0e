"""Playing whole episodes with a policy, many games at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Actions, Floats, Policy
from qwop_wr.agents.transitions import Transitions
from qwop_wr.compute import SERIAL, Job, WorkContext, run_job, single_thread

_PER_EPISODE: Final = (
    "seeds", "finished", "fallen", "distance", "ticks", "score_time", "total_reward", "length",
    "idle_ticks",
)  # fmt: skip

StepCallback = Callable[[VectorEnv[Any, Any, Any], int], None]
"""Called after every step with the environment and the number of steps made."""


@runtime_checkable
class KeyedVectorEnv(Protocol):
    """A vector environment that reports the keys it really played."""

    last_keys: NDArray[np.uint8]
    """Masks held in the last decision, shape (n,)."""
    last_ticks: NDArray[np.int64]
    """Ticks they were really held for, shape (n,)."""
    drawn_idle_ticks: NDArray[np.int64]
    """Ticks without keys before the first decision, shape (n,)."""


@runtime_checkable
class TimedVectorEnv(Protocol):
    """A vector environment whose episodes are truncated at some clock time."""

    time_limit: float
    """Clock time from which on a game is truncated [s]."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """Results of episodes; all arrays have one entry per seed.

    Attributes:
        seeds: Seed of the game.
        finished: Whether the runner crossed the finish line.
        fallen: Whether it fell.
        distance: Distance at the end [m].
        ticks: Ticks from the reset to the end.
        score_time: The game's clock at the end [s].
        total_reward: Sum of the rewards.
        length: Decisions made.
        idle_ticks: Ticks without keys before the first decision.
        transitions: All steps in the order of the seeds, if recorded.
        keys: Key masks per tick of every episode, idle ticks included, if recorded.
        time_limit: Clock time from which on episodes were truncated [s]; None if unknown.
    """

    seeds: NDArray[np.int64]
    finished: NDArray[np.bool_]
    fallen: NDArray[np.bool_]
    distance: NDArray[np.float64]
    ticks: NDArray[np.int64]
    score_time: NDArray[np.float64]
    total_reward: NDArray[np.float64]
    length: NDArray[np.int64]
    idle_ticks: NDArray[np.int64]
    transitions: Transitions | None = None
    keys: tuple[NDArray[np.uint8], ...] | None = None
    time_limit: float | None = None


def play_episodes(
    policy: Policy,
    vector_env: VectorEnv[Any, Any, Any],
    seeds: Sequence[int],
    *,
    deterministic: bool = True,
    rng: np.random.Generator | None = None,
    on_step: StepCallback | None = None,
    record: bool = False,
    record_keys: bool = False,
) -> Episodes:
    """Plays one episode per seed, as many at once as the environment has games.

    Args:
        vector_env: Environment without automatic reset: an ended game stands
            still until all have ended.
        deterministic: Take the best actions; else draw them.
        rng: Source of the draws; needed unless deterministic.
        record: Record all transitions, and keys where the environment reports them.
        record_keys: Record the keys alone.

    Raises:
        ValueError: If there are no seeds, or the environment reports no keys to record.
    """
    if len(seeds) == 0:
        raise ValueError("play_episodes needs at least one seed")
    keyed = isinstance(vector_env, KeyedVectorEnv)
    if record_keys and not keyed:
        raise ValueError(f"{type(vector_env).__name__} does not tell the keys it played")
    batches = []
    with single_thread():
        for first in range(0, len(seeds), vector_env.num_envs):
            batch = _Batch(
                vector_env,
                seeds[first : first + vector_env.num_envs],
                transitions=[] if record else None,
                key_runs=[] if keyed and (record or record_keys) else None,
            )
            batch.play(policy, deterministic, rng, on_step)
            batches.append(batch)
    limit = vector_env.time_limit if isinstance(vector_env, TimedVectorEnv) else None
    return _joined(batches, limit)


class _Group(NamedTuple):
    games: VectorEnv[Any, Any, Any]
    seeds: Sequence[int]


def play_in_groups(
    agent: Agent, groups: Sequence[VectorEnv[Any, Any, Any]], seeds: Sequence[int]
) -> Episodes:
    """Plays one deterministic episode per seed, in groups of games side by side.

    Args:
        groups: Environments without automatic reset; each plays an equal share of the seeds on
            one core, so that results depend on their number, not on that of the cores.

    Raises:
        ValueError: If there are no seeds.
    """
    if len(seeds) == 0:
        raise ValueError("play_in_groups needs at least one seed")
    shares = [share.tolist() for share in np.array_split(np.asarray(seeds), len(groups))]
    played = [_Group(*group) for group in zip(groups, shares, strict=True) if group[1]]
    job = Job("evaluation", _play_group, agent, _describe_group, "groups", threads=True)
    parts = [done.value for done in run_job(job, played, SERIAL, progress=False)]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_EPISODE
    }
    return Episodes(**columns, transitions=None, keys=None, time_limit=parts[0].time_limit)


def _play_group(agent: Agent, group: _Group, _: WorkContext) -> Episodes:
    return play_episodes(agent.policy(), group.games, group.seeds)


def _describe_group(group: _Group) -> str:
    return f"a group of {len(group.seeds)} games"


class _Step(NamedTuple):
    games: NDArray[np.int64]
    obs: Floats
    actions: Actions
    rewards: Floats
    next_obs: Floats
    dones: NDArray[np.bool_]


class _KeyRuns(NamedTuple):
    """Keys of one decision of all games; zero ticks where a game had ended."""

    keys: NDArray[np.uint8]
    ticks: NDArray[np.int64]


@dataclass
class _Batch:
    """One episode in each of the first ``len(seeds)`` games."""

    env: VectorEnv[Any, Any, Any]
    seeds: Sequence[int]
    transitions: list[_Step] | None
    key_runs: list[_KeyRuns] | None
    results: dict[str, NDArray[Any]] = field(init=False)
    recorded: _Step | None = field(init=False, default=None)
    """All steps, game by game, once the episodes have ended."""

    def __post_init__(self) -> None:
        n = len(self.seeds)
        self.results = {
            "seeds": np.array(self.seeds, dtype=np.int64),
            "finished": np.zeros(n, dtype=np.bool_),
            "fallen": np.zeros(n, dtype=np.bool_),
            "distance": np.zeros(n),
            "ticks": np.zeros(n, dtype=np.int64),
            "score_time": np.zeros(n),
            "total_reward": np.zeros(n),
            "length": np.zeros(n, dtype=np.int64),
            "idle_ticks": np.zeros(n, dtype=np.int64),
        }

    def play(
        self,
        policy: Policy,
        deterministic: bool,
        rng: np.random.Generator | None,
        on_step: StepCallback | None,
    ) -> None:
        n, n_games = len(self.seeds), self.env.num_envs
        # Surplus games repeat the last seed and are ignored.
        padded = [int(seed) for seed in self.seeds] + [int(self.seeds[-1])] * (n_games - n)
        # Gymnasium documents a list of seeds but types a single one.
        obs, _ = self.env.reset(seed=padded)  # type: ignore[arg-type]
        if isinstance(self.env, KeyedVectorEnv):
            self.results["idle_ticks"] = self.env.drawn_idle_ticks[:n].astype(np.int64)
        policy.begin()
        running = np.ones(n, dtype=np.bool_)
        steps = 0
        while running.any():
            obs = np.array(obs, dtype=np.float32)
            actions = policy.act(obs, deterministic, rng)
            next_obs, rewards, terminated, truncated, infos = self.env.step(actions)
            self._keep(obs, actions, rewards, next_obs, terminated & ~infos["finished"], running)
            ended = running & (terminated | truncated)[:n]
            self.results["total_reward"][running] += rewards[:n][running]
            self.results["length"][running] += 1
            for name in ("finished", "fallen", "distance", "ticks", "score_time"):
                self.results[name][ended] = infos[name][:n][ended]
            running &= ~ended
            obs, steps = next_obs, steps + 1
            if on_step is not None:
                on_step(self.env, steps)
        if self.transitions is not None:
            # At once: the steps of several batches in both orders would take twice the memory.
            self.recorded = _by_game(self.transitions)
            self.transitions.clear()

    def _keep(
        self,
        obs: Floats,
        actions: Actions,
        rewards: NDArray[Any],
        next_obs: Floats,
        dones: NDArray[np.bool_],
        running: NDArray[np.bool_],
    ) -> None:
        games = np.flatnonzero(running)
        if self.transitions is not None:
            step = _Step(
                games,
                obs[games],
                actions[games],
                rewards[games].astype(np.float32),
                np.array(next_obs[games], dtype=np.float32),
                dones[games],
            )
            self.transitions.append(step)
        if self.key_runs is not None and isinstance(self.env, KeyedVectorEnv):
            n = len(self.seeds)
            ticks = np.where(running, self.env.last_ticks[:n], 0)
            self.key_runs.append(_KeyRuns(self.env.last_keys[:n].copy(), ticks))

    def keys_per_tick(self) -> list[NDArray[np.uint8]]:
        """Expands the recorded keys to ticks, one array per game."""
        assert self.key_runs is not None  # noqa: S101 - the caller asked for them
        keys = np.stack([run.keys for run in self.key_runs], axis=1)  # (n, steps)
        ticks = np.stack([run.ticks for run in self.key_runs], axis=1)  # (n, steps)
        idle = self.results["idle_ticks"]
        return [
            np.concatenate([np.zeros(idle[i], dtype=np.uint8), np.repeat(keys[i], ticks[i])])
            for i in range(len(self.seeds))
        ]


def _by_game(steps: Sequence[_Step]) -> _Step:
    joined = _concatenated(steps)
    order = np.argsort(joined.games, kind="stable")
    return _Step._make(column[order] for column in joined)


def _concatenated(steps: Sequence[_Step]) -> _Step:
    return _Step._make(np.concatenate(column) for column in zip(*steps, strict=True))


def _joined(batches: Sequence[_Batch], time_limit: float | None) -> Episodes:
    results = {
        name: np.concatenate([batch.results[name] for batch in batches]) for name in _PER_EPISODE
    }
    transitions = keys = None
    if batches[0].transitions is not None:
        transitions = _joined_transitions(batches)
    if batches[0].key_runs is not None:
        keys = tuple(array for batch in batches for array in batch.keys_per_tick())
    return Episodes(**results, transitions=transitions, keys=keys, time_limit=time_limit)


def _joined_transitions(batches: Sequence[_Batch]) -> Transitions:
    parts, first = [], 0
    for batch in batches:
        step = batch.recorded
        assert step is not None  # noqa: S101 - the caller asked for them
        parts.append(step._replace(games=step.games + first))
        first += len(batch.seeds)
    joined = _concatenated(parts)
    return Transitions(
        obs=joined.obs,
        actions=joined.actions,
        rewards=joined.rewards,
        next_obs=joined.next_obs,
        dones=joined.dones,
        episode=joined.games.astype(np.int32),
    )
