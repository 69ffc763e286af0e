"""Our own PPO as a learner."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.learner import Learner, LearningGames
from qwop_wr.agents.learners.options import PPOLearning
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    TrainingState,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    under,
)
from qwop_wr.agents.vector_ppo import VectorPPO


class OwnPPOLearner(Learner):
    """``VectorPPO`` at work, one rollout and its update at a time.

    Args:
        options: How to learn.
        spec: Spec of the agents.
        env: Training games, of which the vector environment is played.
        progress: Share of the training that is over, by steps made.
        seed: Seed of everything random.
    """

    def __init__(
        self,
        options: PPOLearning,
        spec: AgentSpec,
        env: LearningGames,
        progress: Callable[[int], float],
        seed: int,
    ) -> None:
        super().__init__()
        self._games: Any = env.games
        self._ppo = VectorPPO(options, spec, env.games, progress, seed, env.bootstrap_finish)
        self._ppo.on_episode = self.episodes.add

    @property
    def steps(self) -> int:
        """Decisions made so far, all games together."""
        return self._ppo.steps

    def iterate(self) -> Mapping[str, float]:
        """Play a rollout and learn from it; see :class:`Learner`."""
        return {f"train/{name}": value for name, value in self._ppo.iterate().items()}

    def agent(self) -> Agent:
        """Take a snapshot."""
        return self._ppo.agent()

    def begin_with(self, agent: Agent) -> None:
        """Begin with the weights of an agent."""
        load_module(self._ppo.network, agent.weights)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copy everything large that the next iteration follows from."""
        ppo = self._ppo
        rest = {
            "generator": ppo.generator.get_state().numpy().copy(),
            "returns": ppo.returns.copy(),
        }
        return {
            **under("policy", module_arrays(ppo.network)),
            **under("optimiser", optimiser_arrays(ppo.optimizer)),
            **under("games", self._games.state()),
            **under("rest", rest),
        }

    def facts(self) -> dict[str, JsonValue]:
        """Tell the rest of it."""
        return {
            "steps": self._ppo.steps,
            "updates": self._ppo.updates,
            "episodes": self.episodes.state(),
        }

    def restore(self, state: TrainingState) -> None:
        """Go on to the bit where ``arrays`` and ``facts`` were taken."""
        ppo, rest = self._ppo, state.part("rest")
        load_module(ppo.network, state.part("policy"))
        load_optimiser(ppo.optimizer, state.part("optimiser"))
        ppo.observations = self._games.load_state(state.part("games"))
        ppo.generator.set_state(torch.tensor(rest["generator"]))
        ppo.returns = rest["returns"].copy()
        ppo.steps = cast("int", state.facts["steps"])
        ppo.updates = cast("int", state.facts["updates"])
        self.episodes.restore(cast("list[dict[str, float]]", state.facts["episodes"]))
