"""Hunts as nodes hand them on."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_native
from qwop_wr.pipelines.record_hunt.progress import shown
from qwop_wr.search.guide import AgentGuide
from qwop_wr.search.hunt import HuntOptions, HuntStep, RecordHunt
from qwop_wr.simulator import SLOW_CLONES
from qwop_wr.simulator.tape import Tape, TapeError, verify_tape
from qwop_wr.stopping import stop_requested, stops_itself
from qwop_wr.tracking import stage_run

logger = logging.getLogger(__name__)


def judges_of(
    agents: Sequence[Agent], environment: EnvironmentOptions, guest: Agent | None = None
) -> list[AgentGuide]:
    """Let agents take turns in proposing actions, with the values of all averaged.

    Args:
        agents: Agents whose values are of one kind.
        environment: Environment that all pipelines share.
        guest: One more agent that proposes, but whose values do not count.

    Returns:
        One guide per turn.

    Raises:
        ValueError: If there is no agent or one is for another environment.
    """
    judges = [AgentGuide(agents, environment, proposer) for proposer in agents]
    return judges if guest is None else [*judges, AgentGuide(agents, environment, guest)]


def hunt_in_rounds(
    stage: str,
    judges: Sequence[AgentGuide],
    known: Tape | None,
    environment: EnvironmentOptions,
    options: HuntOptions,
    seed: int,
    compute: ComputeOptions,
) -> Iterator[tuple[Tape, dict[str, Any]]]:
    """Hunt, with a live line on stderr and metrics in MLflow.

    Args:
        stage: Name of the child run.
        judges: Guides of the searches.
        known: Best tape so far, verified; if it finishes, the hunt continues from it.
        environment: Environment that all pipelines share.
        options: Budget and kinds of searches.
        seed: Seed of everything random.
        compute: Where the searches are made.

    Yields:
        The best tape so far and a summary, the known one first, then whenever
        there is a better one, and at the end.

    Raises:
        BadInputError: If nothing has ever finished and no tape is known.
        KeyboardInterrupt: If a stop was requested; what was found has been given out.
    """
    best, found = known, list[dict[str, float]]()
    if best is not None:
        yield best, _summary(best, known, found, None)
    last: HuntStep | None = None
    with stage_run(stage, options) as sink, stops_itself():
        start = [known] if known and known.finished else []
        hunt = RecordHunt(judges, environment, options, seed)
        for step in shown(hunt.run(start, compute), sink):
            last = step
            if step.improved and step.best is not None:
                verify_tape(step.best)
                best, found = step.best, [*found, _finding(step, step.best)]
                logger.info("New best: %.2f s, tick %d", best.score_time, best.ticks)
                yield best, _summary(best, known, found, step)
        if best is not None and stop_requested():
            yield best, _summary(best, known, found, last)
    if best is None:
        raise BadInputError(
            "the hunt found no run that finishes; give it more time (budget.minutes in the "
            "parameters of this hunt) or better guides (guide_agents)"
        )
    if not best.finished:
        logger.warning("No search has found a finish; the best run made %.1f m", best.distance)
    yield best, _summary(best, known, found, last)


def verified(tape: Tape | None, dataset: str, environment: EnvironmentOptions) -> Tape | None:
    """Check the tape that a hunt is to begin with.

    Args:
        tape: The tape, if there is one.
        dataset: Its name in the catalog.
        environment: Environment that all pipelines share.

    Returns:
        The tape.

    Raises:
        BadInputError: If a claim of it is false, or it is of another engine or platform.
    """
    if tape is None:
        return None
    game = environment.make_games()
    if (tape.engine, tape.platform) != (game.engine, game.platform):
        raise BadInputError(
            f"{dataset}: it is a tape of engine {tape.engine}, platform {tape.platform}, but "
            f"environment.engine is {game.engine} and environment.platform {game.platform}; "
            f"choose both on the command line: kedro run --params=environment.engine="
            f"{game.engine},environment.platform={environment.platform} ..."
        )
    if tape.soft_resets:
        raise BadInputError(f"{dataset}: it begins on a used page, a hunt on a fresh one")
    try:
        verify_tape(tape)
    except TapeError as error:
        raise BadInputError(f"{dataset}: {error}; replace or delete it") from error
    return tape


def _finding(step: HuntStep, tape: Tape) -> dict[str, float]:
    return {
        "time": round(tape.score_time, 3),
        "seconds": round(step.seconds, 1),
        "core_seconds": round(step.core_seconds, 1),
    }


def _summary(
    best: Tape, known: Tape | None, found: list[dict[str, float]], step: HuntStep | None
) -> dict[str, Any]:
    return {
        "best_time": best.score_time if best.finished else None,
        "ticks": best.ticks,
        "tape": best.state_sha256,
        "known_time": known.score_time if known and known.finished else None,
        "found": found,
        "searches": step.searches if step else 0,
        "clones": step.clones if step else 0,
        "seconds": round(step.seconds, 1) if step else 0.0,
        "core_seconds": round(step.core_seconds, 1) if step else 0.0,
        "time_shares": {k: round(v, 3) for k, v in step.result.shares.items()} if step else {},
    }


def known_or_native(
    known: Tape | None, agents: Sequence[Agent], environment: EnvironmentOptions
) -> Tape | None:
    """Give a hunt something to hand on where its searches are too small to finish.

    Args:
        known: Best tape so far.
        agents: Agents that guide the hunt.
        environment: Environment that all pipelines share.

    Returns:
        The tape; without one, on an engine whose clones are slow, the best of the runs that
        the agents make without noise.
    """
    if known is not None or environment.engine not in SLOW_CLONES:
        return known
    protocol = EvaluationOptions()
    runs = [evaluate_native(agent, environment, protocol).tapes["native"] for agent in agents]
    return min(runs, key=lambda tape: tape.rank)
