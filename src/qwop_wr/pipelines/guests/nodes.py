"""A node that measures agents from elsewhere beside ours."""

from collections.abc import Mapping

import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.ranking import rank_agents
from qwop_wr.pipelines.inputs import checking


def rank_guests(
    guests: Mapping[str, Agent],
    expert: Agent | None,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
) -> tuple[pd.DataFrame, str]:
    """Measure agents from elsewhere and the expert on the same seeds.

    Args:
        guests: Agents by name, as ``qwop import`` wrote them.
        expert: The expert, if there is one.
        environment: Environment that all pipelines share; every agent plays it with its
            own observation, actions and ticks per action.
        evaluation: The protocols.

    Returns:
        A row per agent, the best first; and the same as a Markdown table.

    Raises:
        BadInputError: If there are no guests, or one fits no environment.
    """
    if not guests:
        raise BadInputError(
            "there are no guests in data/01_raw/guests; bring one with: "
            "qwop import AGENT.zip --to data/01_raw/guests"
        )
    agents = {**guests, **({} if expert is None else {"expert (ours)": expert})}
    with checking("guest_agents"):
        return rank_agents(agents, environment, evaluation)
