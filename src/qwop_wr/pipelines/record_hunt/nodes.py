"""Nodes that refine guides and hunt with them; the work is done by ``qwop_wr.search``."""

from collections.abc import Iterator, Mapping
from typing import Any

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import Seed
from qwop_wr.pipelines.inputs import NO_GUIDES, checking
from qwop_wr.pipelines.record_hunt.rounds import (
    hunt_in_rounds,
    judges_of,
    known_or_native,
    refine_in_rounds,
    verified,
)
from qwop_wr.search.hunt import HuntOptions
from qwop_wr.search.refinement import RefinementOptions, deciding_every
from qwop_wr.simulator.tape import Tape


def refine_guides(
    expert: Agent,
    reigning: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: Seed,
) -> Iterator[tuple[dict[str, Agent], dict[str, Any]]]:
    """Refine the newest guide, or the expert if there is none yet, in rounds.

    Kedro saves what this generator yields at once, so that an interrupted refinement
    keeps its rounds and the next one continues from them.

    Args:
        expert: Agent that the first refinement starts from.
        reigning: Guides so far; the first by name is the newest. Those that were made for
            another ``ticks_per_action`` go on with the environment's.

    Yields:
        Guides by name, the newest first, and a summary, after every round.

    Raises:
        BadInputError: If an agent is of another environment or has no critic.
    """
    agents = [reigning[name] for name in sorted(reigning)] or [expert]
    agents = [deciding_every(agent, environment.ticks_per_action) for agent in agents]
    with checking("guide_agents"):
        for refined in refine_in_rounds("guides", agents, environment, options, seed):
            yield refined.guides, refined.summary


def hunt_record(
    guides: Mapping[str, Agent],
    reigning: Tape | None,
    environment: EnvironmentOptions,
    options: HuntOptions,
    seed: Seed,
    compute: ComputeOptions,
) -> Iterator[tuple[Tape, dict[str, Any]]]:
    """Search for faster runs and yield each as soon as it is found.

    Kedro saves what this generator yields at once, so that a hunt that is killed keeps
    its best.

    Args:
        guides: Agents that guide the searches, by name. Their policies take turns
            in proposing actions, their values are averaged.
        reigning: Fastest tape so far, from which the hunt continues.

    Yields:
        The fastest tape so far and a summary, the reigning one first.

    Raises:
        BadInputError: If there is no guide or one of another environment, the reigning
            tape does not replay, or nothing has ever finished.
    """
    agents = [guides[name] for name in sorted(guides)]
    if not agents:
        raise BadInputError(NO_GUIDES)
    with checking("guide_agents"):
        judges = judges_of(agents, environment)
    known = verified(reigning, "reigning_record_tape", environment)
    known = known_or_native(known, agents, environment)
    hunt = hunt_in_rounds("record_hunt", judges, known, environment, options, seed, compute)
    for tape, summary in hunt:
        yield tape, {**summary, "guides": [agent.fingerprint for agent in agents]}


def hunt_with_agent(
    agent: Agent,
    guides: Mapping[str, Agent],
    reigning: Tape | None,
    environment: EnvironmentOptions,
    options: HuntOptions,
    seed: Seed,
    compute: ComputeOptions,
) -> Iterator[tuple[Tape, dict[str, Any]]]:
    """Hunt briefly with the agent of the last stage, so that a default run can set a record.

    Args:
        agent: Proposes actions in turn; without guides it also values states.
        guides: Agents that guide the searches, by name, if there are any.
        reigning: Fastest tape so far, from which the hunt continues.
        seed: Mixed with the agent's fingerprint, so that another agent's hunt makes other
            searches.

    Yields:
        The fastest tape so far and a summary, the reigning one first.

    Raises:
        BadInputError: If an agent is of another environment, the reigning tape does
            not replay, or nothing has ever finished.
    """
    agents = [guides[name] for name in sorted(guides)]
    with checking("guide_agents"):
        judges = judges_of(agents, environment, guest=agent) if agents else []
    with checking("the agent of the last stage"):
        judges = judges or judges_of([agent], environment)
    known = verified(reigning, "reigning_record_tape", environment)
    known = known_or_native(known, [agent, *agents], environment)
    mixed = seed ^ int(agent.fingerprint[:8], 16)
    hunt = hunt_in_rounds("short_hunt", judges, known, environment, options, mixed, compute)
    for tape, summary in hunt:
        yield tape, {**summary, "agent": agent.fingerprint}
