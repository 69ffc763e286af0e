"""Node that refines guides; the work is done by ``qwop_wr.search``."""

from collections.abc import Iterator, Mapping
from typing import Any

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import Seed
from qwop_wr.pipelines.guides.rounds import refine_in_rounds
from qwop_wr.pipelines.inputs import checking
from qwop_wr.search.refinement import RefinementOptions


def refine_guides(
    expert: Agent,
    reigning: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: Seed,
) -> Iterator[tuple[dict[str, Agent], dict[str, Any]]]:
    """Refine the newest guide, or the expert if there is none yet, in rounds.

    Kedro saves what this generator yields at once, so that an interrupted
    refinement has kept its rounds and the next one continues from them.

    Args:
        expert: Where the first refinement begins.
        reigning: Guides so far, the newest first by name.
        environment: Environment that all pipelines share.
        options: How to refine.
        seed: Seed of everything random.

    Yields:
        Guides by name, the newest first, and a summary, after every round.

    Raises:
        BadInputError: If an agent is of another environment or has no critic.
    """
    agents = [reigning[name] for name in sorted(reigning)] or [expert]
    with checking("guide_agents"):
        for refined in refine_in_rounds("guides", agents, environment, options, seed):
            yield refined.guides, refined.summary
