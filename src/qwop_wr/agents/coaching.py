"""Learning from a coach who rates actions by their outcomes.

Where exact clones of the environment can be played on, the difference that an action makes
is measured instead of estimated by a network. One round is one step of approximate policy
iteration with rollouts (Lagoudakis & Parr, "Reinforcement learning as classification",
2003), weighted by the gain (Ross & Bagnell, AggreVaTe, https://arxiv.org/abs/1406.5979).
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt
from torch import Tensor
from torch.nn import functional

from qwop_wr.agents.agent import Agent, mean_agent
from qwop_wr.agents.learners.learner import Learner
from qwop_wr.agents.metrics import RecentEpisodes
from qwop_wr.agents.networks import AgentNetwork
from qwop_wr.agents.shards import Shards, shuffled_batches
from qwop_wr.agents.state import TrainingDivergedError, TrainingState, agent_facts, prefixed
from qwop_wr.options import Options
from qwop_wr.stopping import stop_requested

FINAL_RATE = 0.1
"""Share of the learning rate left at the end of a round."""
N_AVERAGED = 2
"""Latest rounds whose weights are averaged: the mean runs a little faster than either
(docs/training.md)."""


class RatedActions(NamedTuple):
    """Decisions with a coach's ratings.

    Attributes:
        observations: Shape (N, d).
        actions: The agent's own action and its alternatives, shape (N, k).
        ratings: How far each of them led [m], shape (N, k); all equal where none was tried.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    ratings: NDArray[np.float32]

    @property
    def changed(self) -> float:
        """Share of the decisions in which another action than the agent's own is best."""
        return float((self.ratings.argmax(axis=1) != 0).mean())


def joined(rounds: Sequence[RatedActions]) -> RatedActions:
    """Concatenates the ratings of at least one round."""
    return RatedActions(*(np.concatenate(column) for column in zip(*rounds, strict=True)))


class Observations:
    """Several arrays, read as if they were one: to join them would take as much memory again.

    Args:
        parts: At least one array, shapes (n, d).
    """

    def __init__(self, parts: Sequence[NDArray[np.float32]]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        """Returns the rows of all arrays together."""
        return int(self._ends[-1])

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """Copies some rows, shape (len(rows), d)."""
        taken = np.empty((len(rows), self._parts[0].shape[1]), dtype=np.float32)
        owners = np.searchsorted(self._ends, rows, side="right")
        for owner, (part, end) in enumerate(zip(self._parts, self._ends, strict=True)):
            own = owners == owner
            taken[own] = part[rows[own] - (end - len(part))]
        return torch.from_numpy(taken)


class Coach(Protocol):
    """Watches an agent play and rates actions.

    Attributes:
        judge: Agent by whose values the next round is rated.
    """

    judge: Agent

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        """Lets an agent play some episodes and rates its alternatives.

        Raises:
            FloatingPointError: If a value is not finite.
            KeyboardInterrupt: If a stop was requested.
        """


class CoachingOptions(Options):
    """How an agent learns from a coach."""

    rounds: NonNegativeInt
    """Rounds of play and learning."""
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Time after which no round begins; without it only ``rounds`` counts."""
    memory: PositiveInt = 4
    """Latest rounds whose ratings are learnt from: one alone is so noisy that every agent
    falls elsewhere."""
    epochs: PositiveInt = 2
    """Passes over these ratings in a round."""
    batch_size: PositiveInt = 2048
    """Decisions per gradient step."""
    learning_rate: float = Field(default=2e-3, gt=0, allow_inf_nan=False)
    """Step size of Adam; falls to a tenth within every round."""
    kl_weight: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """Pull towards the policy before the round [m]."""
    limit: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Ratings are clipped to this distance from the mean of their decision [m], so that a
    fall does not outweigh everything else."""


def improvement_losses(
    scores: Tensor,
    before: Tensor,
    actions: Tensor,
    advantages: Tensor,
    options: CoachingOptions,
) -> Tensor:
    """Computes the negative expected gain plus a penalty for leaving the previous policy.

    Args:
        scores: Action scores, shape (B, n_actions).
        before: Log-probabilities of the previous policy, shape (B, n_actions).
        actions: Rated actions, shape (B, k).
        advantages: Their ratings relative to the mean of the decision [m], shape (B, k).
        options: Weight of the divergence.

    Returns:
        Losses [m], shape (B,).
    """
    logs = functional.log_softmax(scores, dim=1)  # (B, n_actions)
    gains = (logs.gather(1, actions).exp() * advantages).sum(dim=1)  # (B,)
    divergences = (before.exp() * (before - logs)).sum(dim=1)  # (B,)
    return options.kl_weight * divergences - gains


def learn_from_coach(
    agent: Agent,
    rounds: Sequence[RatedActions],
    options: CoachingOptions,
    rng: np.random.Generator,
) -> tuple[Agent, dict[str, float]]:
    """Fits a policy to the actions that led farther.

    Args:
        rounds: Ratings of one round or more.

    Returns:
        The new agent, and ``loss``, the mean over the last epoch [m].

    Raises:
        FloatingPointError: If a loss or weight is not finite.
    """
    network, observations = agent.network(), Observations([one.observations for one in rounds])
    actions = torch.from_numpy(np.concatenate([one.actions for one in rounds]))
    ratings = torch.from_numpy(np.concatenate([one.ratings for one in rounds]))
    advantages = ratings - ratings.mean(dim=1, keepdim=True)
    advantages = advantages.clamp(-options.limit, options.limit)
    shards = Shards(network.parameters())
    before = _log_policy(network, observations, shards)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    epochs = [
        shuffled_batches(len(actions), options.batch_size, rng) for _ in range(options.epochs)
    ]
    falling = torch.optim.lr_scheduler.LinearLR(
        optimiser, start_factor=1.0, end_factor=FINAL_RATE, total_iters=sum(map(len, epochs))
    )
    optimiser.register_step_post_hook(lambda *_: falling.step())

    def loss_of(rows: NDArray[np.int64]) -> Tensor:
        scores = network.action_scores(observations.take(rows))
        losses = improvement_losses(scores, before[rows], actions[rows], advantages[rows], options)
        return losses.sum()

    *_, loss = [shards.descend(loss_of, batches, optimiser) for batches in epochs]
    finite = all(bool(one.isfinite().all()) for one in network.parameters())
    if not finite or not math.isfinite(loss):
        raise FloatingPointError("a loss or weight is not finite")
    return Agent.from_network(agent.spec, network, agent.card), {"loss": loss}


def _log_policy(network: AgentNetwork, observations: Observations, shards: Shards) -> Tensor:
    """Returns log-probabilities of all actions, shape (N, n_actions)."""

    def log_policy(part: slice) -> Tensor:
        scores = network.action_scores(observations.take(np.arange(part.start, part.stop)))
        return functional.log_softmax(scores, dim=1)

    return shards.evaluate(log_policy, len(observations))


MakeCoach = Callable[[Agent], Coach]
"""Makes a coach that begins to rate by the values of the given agent."""


class CoachedLearner(Learner):
    """Learns from a coach: play and rate, then learn, round by round.

    Every round draws from a generator of its own, so that rounds repeat exactly after a stop.

    Args:
        agent: Agent to begin with. Whoever asks for the learner's agent gets the mean of the
            latest ``N_AVERAGED`` ones; it is the newest that plays and learns on.
        judge: Agent by whose values the coach begins to rate. Coaching moves the action scores
            of an agent that values actions, so that they are no values any more.
        first_step: Decisions made before the coaching, from which ``steps`` continues.

    Attributes:
        judge: Agent by whose values the coach rates next.
    """

    def __init__(
        self,
        agent: Agent,
        judge: Agent,
        make_coach: MakeCoach,
        options: CoachingOptions,
        seed: int,
        first_step: int,
    ) -> None:
        self.episodes = RecentEpisodes()
        self._latest: tuple[Agent, ...] = (agent,)
        self.judge = judge
        self._make_coach, self._options, self._seed = make_coach, options, seed
        self._steps = first_step
        self._coach: Coach | None = None
        self._ratings: tuple[RatedActions, ...] = ()
        self._rounds, self._seconds = 0, 0.0
        self._metrics: dict[str, float] = {}

    @property
    def steps(self) -> int:
        """Decisions learnt from so far: those rated, and those made before the coaching."""
        return self._steps

    def progress(self, steps: int) -> float:
        """Returns the share, 0 to 1, of the rounds or minutes that is over.

        A round that has begun is completed; ``steps`` does not matter.
        """
        progress = self._rounds / self._options.rounds if self._options.rounds else 1.0
        if self._options.minutes is not None:
            progress = max(progress, self._seconds / (60.0 * self._options.minutes))
        return min(progress, 1.0)

    def iterate(self) -> None:
        """Plays and rates for a round, and learns from the ratings of the latest rounds.

        After a stop request the round is left undone.

        Raises:
            TrainingDivergedError: If a loss or weight is not finite.
        """
        began = time.monotonic()
        self._coach = self._coach or self._make_coach(self.judge)
        rng, newest = np.random.default_rng([self._seed, self._rounds]), self._latest[-1]
        try:
            rated = self._coach.rate(newest, rng)
        except KeyboardInterrupt:
            if not stop_requested():
                raise
            return
        except FloatingPointError as error:
            raise TrainingDivergedError(
                "a loss of the judge", self._steps, advice="lower coach.judge.learning_rate"
            ) from error
        self._ratings = (*self._ratings, rated)[-self._options.memory :]
        try:
            newest, metrics = learn_from_coach(newest, self._ratings, self._options, rng)
        except FloatingPointError as error:
            known = joined(self._ratings)._asdict()
            raise TrainingDivergedError(
                "a loss or weight in coaching", self._steps, known, "lower coaching.learning_rate"
            ) from error
        self.judge = self._coach.judge
        self._latest = (*self._latest, newest)[-N_AVERAGED:]
        self._steps += len(rated.actions)
        self._rounds += 1
        self._seconds += time.monotonic() - began
        self._metrics = {**metrics, "changed": rated.changed, "round": self._rounds}

    def metrics(self) -> dict[str, float]:
        """Takes out the metrics of the latest round."""
        metrics, self._metrics = self._metrics, {}
        return {f"coaching/{name}": value for name, value in metrics.items()}

    def agent(self) -> Agent:
        """Returns the mean of the latest agents."""
        return mean_agent(self._latest)

    def start_from(self, agent: Agent) -> None:
        """Replaces the agent that learns."""
        self._latest = (agent,)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies the weights of judge and latest agents, and the ratings in memory."""
        arrays = prefixed("judge", self.judge.weights)
        for number, agent in enumerate(self._latest):
            arrays |= prefixed(f"coached_{number}", agent.weights)
        for number, rated in enumerate(self._ratings):
            arrays |= prefixed(f"ratings_{number}", rated._asdict())
        return arrays

    def facts(self) -> dict[str, JsonValue]:
        """Returns specs, cards and counters."""
        return {
            "steps": self._steps,
            "judge": agent_facts(self.judge),
            "coached": [agent_facts(agent) for agent in self._latest],
            "rounds": self._rounds,
            "coaching_seconds": self._seconds,
            "n_ratings": len(self._ratings),
        }

    def restore(self, state: TrainingState) -> None:
        """Continues exactly from the state of ``arrays`` and ``facts``."""
        facts = cast("dict[str, Any]", state.facts)
        self.judge = state.agent("judge", facts["judge"])
        self._latest = tuple(
            state.agent(f"coached_{number}", agent) for number, agent in enumerate(facts["coached"])
        )
        self._ratings = tuple(
            RatedActions(**state.part(f"ratings_{number}")) for number in range(facts["n_ratings"])
        )
        self._steps, self._rounds = facts["steps"], facts["rounds"]
        self._seconds = facts["coaching_seconds"]
