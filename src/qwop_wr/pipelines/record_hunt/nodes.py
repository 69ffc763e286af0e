"""Node that hunts for the fastest tape; the work is done by ``qwop_wr.search``."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.record_hunt.progress import shown
from qwop_wr.search.guide import AgentGuide
from qwop_wr.search.hunt import HuntOptions, HuntStep, RecordHunt
from qwop_wr.simulator.tape import Tape, TapeError, verify_tape
from qwop_wr.tracking import stage_run

logger = logging.getLogger(__name__)


def hunt_record(
    guides: Mapping[str, Agent],
    reigning: Tape | None,
    environment: EnvironmentOptions,
    options: HuntOptions,
    seed: int,
) -> Iterator[tuple[Tape, dict[str, Any]]]:
    """Search for faster runs and hand each on as soon as it is found.

    Kedro saves what this generator yields at once, so that a hunt that is killed
    has kept its best.

    Args:
        guides: Agents that guide the searches, by name. Their policies take turns
            in proposing actions, their values are averaged.
        reigning: Fastest tape so far, from which the hunt continues.
        environment: Environment that all pipelines share.
        options: Budget and kinds of searches.
        seed: Seed of everything random.

    Yields:
        The fastest tape so far and a summary, the reigning one first.

    Raises:
        BadInputError: If there is no guide or one of another environment, the reigning
            tape does not replay, or nothing has ever finished.
    """
    agents = [guides[name] for name in sorted(guides)]
    if not agents:
        raise BadInputError("guide_agents: there is none; make some: kedro run --pipeline=guides")
    with checking("guide_agents"):
        orders = [agents[i:] + agents[:i] for i in range(len(agents))]
        judges = [AgentGuide(order, environment) for order in orders]
    hunt = RecordHunt(judges, environment, options, seed)
    known = _verified(reigning)
    for tape in known:
        yield tape, _summary(tape, agents)
    best = known[0] if known else None
    with stage_run("record_hunt", options) as sink:
        for step in shown(hunt.run(known), sink):
            if step.improved and step.best is not None:
                verify_tape(step.best)
                best = step.best
                logger.info("New best: %.2f s, tick %d", best.score_time, best.ticks)
                yield best, _summary(best, agents, step)
    if best is None:
        raise BadInputError(
            "the hunt found no run that finishes; give it more time "
            "(record_hunt.budget.minutes) or better guides (guide_agents)"
        )


def _verified(reigning: Tape | None) -> list[Tape]:
    if reigning is None:
        return []
    try:
        verify_tape(reigning)
    except TapeError as error:
        raise BadInputError(f"reigning_record_tape: {error}; replace or delete it") from error
    return [reigning] if reigning.finished else []


def _summary(best: Tape, agents: list[Agent], step: HuntStep | None = None) -> dict[str, Any]:
    return {
        "best_time": best.score_time,
        "ticks": best.ticks,
        "guides": [agent.fingerprint for agent in agents],
        "searches": step.searches if step else 0,
        "clones": step.clones if step else 0,
        "seconds": round(step.seconds, 1) if step else 0.0,
        "time_shares": {k: round(v, 3) for k, v in step.result.shares.items()} if step else {},
    }
