"""Experience collected by workers with frozen policies, while the learner learns.

The games are dealt to shards. A shard plays one stretch after the other; its games travel with
the work, so that any worker can go on with them. Which policy plays a stretch follows from
the stretch's number alone: that of so many updates before. What is learnt hence depends
neither on the number of workers nor on how fast each is.
"""

import pickle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt
from scipy.special import log_softmax
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Actions, Floats
from qwop_wr.compute import Job, Stream, WorkContext

Booleans = NDArray[np.bool_]


class CollectionOptions(BaseModel):
    """How experience is collected by workers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    shards: PositiveInt = 4
    """Parts that the games are dealt to; each is one worker's at a time. What is learnt
    depends on it, unlike on the number of workers."""
    staleness: NonNegativeInt = 1
    """Updates that the learner is ahead of the policy that plays. With 0 workers wait for the
    learner and it for them; with 1 they play while it learns."""


@dataclass(frozen=True, eq=False)
class Ending:
    """An episode's end within a stretch.

    Attributes:
        step: Decision of the stretch after which it ended.
        game: Game of the shard.
        info: What the environment told about it.
    """

    step: int
    game: int
    info: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Stretch:
    """What a shard's games went through in T decisions.

    Attributes:
        observations: What the policy saw, and after the last decision, shape (T + 1, n, d).
        actions: What it did, shape (T, n).
        log_probs: Logarithms of the probabilities of that, shape (T, n).
        rewards: What it earned, shape (T, n).
        starts: Whether an episode began there, and after the last decision, shape (T + 1, n).
        endings: How episodes ended.
    """

    observations: Floats
    actions: Actions
    log_probs: Floats
    rewards: Floats
    starts: Booleans
    endings: Sequence[Ending]


@dataclass(frozen=True, eq=False)
class Collection:
    """What all stretches of a training have in common.

    Attributes:
        make_games: Makes a shard's games; can be sent to another process.
        n_steps: Decisions per stretch.
        seed: Seed of games and draws.
    """

    make_games: Callable[[], VecEnv]
    n_steps: int
    seed: int


@dataclass(frozen=True, eq=False)
class Order:
    """A stretch to be played.

    Attributes:
        shard: Number of the shard.
        number: Number of the stretch.
        policy: Agent that plays.
        games: The games as the last stretch left them; None before the first.
    """

    shard: int
    number: int
    policy: Agent
    games: bytes | None


@dataclass(frozen=True, eq=False)
class Delivery:
    """A stretch that was played.

    Attributes:
        stretch: The stretch.
        games: The games as it left them.
    """

    stretch: Stretch
    games: bytes


def play_stretch(collection: Collection, order: Order, context: WorkContext) -> Delivery:
    """Play a stretch.

    Args:
        collection: What all stretches have in common.
        order: Which one to play, by whom.
        context: Where this is done; it makes no difference.

    Returns:
        The stretch and the games to go on with.
    """
    if order.games is None:
        env = collection.make_games()
        env.seed(collection.seed + order.shard * env.num_envs)
        first, fresh = np.asarray(env.reset()), np.ones(env.num_envs, dtype=np.bool_)
    else:
        # Our own games, as play_stretch of this or another process left them.
        env, first, fresh = pickle.loads(order.games)  # noqa: S301
    policy = order.policy.policy()
    rng = np.random.default_rng([collection.seed, order.shard, order.number])
    observations, starts = [np.array(first)], [fresh]
    actions, log_probs, rewards = list[Actions](), list[Floats](), list[Floats]()
    endings: list[Ending] = []
    for step in range(collection.n_steps):
        scores = policy.action_scores(observations[-1])
        # The maximum of logits with Gumbel noise is a draw from their softmax.
        chosen = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
        actions.append(chosen)
        log_probs.append(log_softmax(scores, axis=1)[np.arange(len(chosen)), chosen])
        seen, earned, dones, infos = env.step(chosen)
        endings += [Ending(step, int(game), infos[game]) for game in np.flatnonzero(dones)]
        observations.append(np.array(seen))
        rewards.append(np.asarray(earned, dtype=np.float32))
        starts.append(np.asarray(dones, dtype=np.bool_))
    stretch = Stretch(
        np.stack(observations),
        np.stack(actions),
        np.stack(log_probs).astype(np.float32),
        np.stack(rewards),
        np.stack(starts),
        endings,
    )
    return Delivery(stretch, pickle.dumps((env, observations[-1], starts[-1])))


def describe_order(order: Order) -> str:
    """Name a stretch.

    Args:
        order: The stretch.

    Returns:
        Such as ``shard 2, stretch 17``.
    """
    return f"shard {order.shard}, stretch {order.number}"


class Collector:
    """Hands a learner one stretch of every shard per update, and plays ahead.

    Workers are never more than ``staleness`` stretches ahead, so that what is collected
    does not pile up.

    Args:
        stream: Plays stretches; see :func:`play_stretch`.
        options: Shards and staleness.
        first: Number of the first stretch.
    """

    def __init__(
        self, stream: Stream[Collection, Order, Delivery], options: CollectionOptions, first: int
    ) -> None:
        self._stream = stream
        self._options = options
        self._next = [first] * options.shards
        self._idle = set(range(options.shards))
        self._games: list[bytes | None] = [None] * options.shards
        self._played: dict[tuple[int, int], Stretch] = {}
        self._wanted = first
        self._first = first
        self._policies: deque[Agent] = deque(maxlen=options.staleness + 1)

    def collect(self, policy: Agent) -> list[Stretch]:
        """Get the next stretches, and let workers play on.

        Args:
            policy: The learner's present policy.

        Returns:
            One stretch per shard, in their order.
        """
        self._policies.append(policy)
        self._order()
        wanted = [(shard, self._wanted) for shard in range(self._options.shards)]
        while not all(key in self._played for key in wanted):
            for order, delivery in self._stream.wait():
                self._played[order.shard, order.number] = delivery.value.stretch
                self._games[order.shard] = delivery.value.games
                self._idle.add(order.shard)
            self._order()
        self._wanted += 1
        return [self._played.pop(key) for key in wanted]

    def _order(self) -> None:
        for shard in sorted(self._idle):
            number = self._next[shard]
            if number > self._wanted + self._options.staleness:
                continue
            # The newest policy is that of stretch ``wanted``.
            age = max(self._wanted - max(number - self._options.staleness, self._first), 0)
            policy = self._policies[-1 - age]
            self._stream.submit(Order(shard, number, policy, self._games[shard]))
            self._idle.remove(shard)
            self._next[shard] += 1


def collection_job(collection: Collection) -> Job[Collection, Order, Delivery]:
    """Make the job of a training.

    Args:
        collection: What all stretches have in common.

    Returns:
        The job.
    """
    return Job("collection", play_stretch, collection, describe_order, unit="stretches")
