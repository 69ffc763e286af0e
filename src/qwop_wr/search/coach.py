"""A coach who looks ahead: rates actions by trying them on exact clones."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import RatedActions, joined
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.search.foresight import ForesightOptions, ForesightPolicy
from qwop_wr.stopping import stop_if_requested


class ForesightCoachOptions(BaseModel):
    """How a coach watches and rates."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    n_games: PositiveInt = 160
    """Episodes per round, all at once."""
    follow_share: float = Field(default=0.25, ge=0, le=1)
    """Share of them in which the coach's choices are played instead of the agent's own, to
    rate what a better agent will meet."""
    foresight: ForesightOptions = ForesightOptions(decisions=10, least_gain=0.1)
    """How far is looked ahead."""


class ForesightCoach:
    """Rates the best-scored actions by playing them on clones, see :class:`ForesightPolicy`.

    Args:
        judge: Whose values rate where a trial ends; always the same, however far the agents
            that are coached have come.
        environment: Games to play, with their noise.
        options: How to watch and rate.

    Attributes:
        env: The games.
    """

    def __init__(
        self, judge: Agent, environment: EnvironmentOptions, options: ForesightCoachOptions
    ) -> None:
        self._judge, self._options = judge.policy(), options
        self.env = QwopVectorEnv(options.n_games, environment, autoreset=False)

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        """Let an agent play one episode per game and rate its alternatives at every decision.

        Args:
            agent: The agent.
            rng: Draws the games' seeds and those that follow the coach.

        Returns:
            Ratings of all decisions of all games.

        Raises:
            KeyboardInterrupt: If a stop was requested.
        """
        env, options = self.env, self._options
        coach, own = ForesightPolicy(agent, env, options.foresight, self._judge), agent.policy()
        seeds = rng.integers(2**31, size=env.num_envs).tolist()
        follows = rng.random(env.num_envs) < options.follow_share
        running, rated = np.ones(env.num_envs, dtype=np.bool_), []
        observations, _ = env.reset(seed=seeds)
        with single_torch_thread():
            while running.any():
                stop_if_requested()
                proposed, outcomes = coach.weigh(observations)
                rated.append(
                    RatedActions(
                        observations[running], proposed[running], outcomes[running].astype("f4")
                    )
                )
                chosen = coach.choose(proposed, outcomes)
                actions = np.where(follows, chosen, own.act(observations))
                observations, _, terminated, truncated, _ = env.step(actions)
                running &= ~(terminated | truncated)
        return joined(rated)
