"""Hunts and refinements in rounds: shows progress and yields improvements at once."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_without_noise
from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.metric_sink import MetricSink
from qwop_wr.search.guide import AgentGuide
from qwop_wr.search.hunt import HuntOptions, HuntStep, RecordHunt
from qwop_wr.search.refinement import GuideRefinement, RefinementOptions, RefinementStep
from qwop_wr.simulator import SLOW_CLONES
from qwop_wr.simulator.tape import Tape, TapeError, verify_tape
from qwop_wr.stopping import stop_requested, stops_itself
from qwop_wr.tracking import stage_run

logger = logging.getLogger(__name__)


def judges_of(
    agents: Sequence[Agent], environment: EnvironmentOptions, guest: Agent | None = None
) -> list[AgentGuide]:
    """Make guides that propose actions in turn and average all values.

    Args:
        agents: Agents whose values are of one kind.
        guest: Further agent that proposes actions, but whose values are ignored.

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
        judges: Guides of the searches.
        known: Best tape so far, verified; if it finishes, the hunt continues from it.

    Yields:
        The best tape so far and a summary, the known one first, then whenever
        there is a better one, and at the end.

    Raises:
        BadInputError: If nothing has ever finished and no tape is known.
        KeyboardInterrupt: If a stop was requested; everything found has been yielded.
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


def shown(steps: Iterable[HuntStep], sink: MetricSink) -> Iterator[HuntStep]:
    """Pass on the steps of a hunt, with a live line on stderr and metrics by the second."""
    clones = 0
    with tqdm(desc="hunt", unit=" clones", unit_scale=True) as line:
        for step in steps:
            line.update(step.clones - clones)
            clones = step.clones
            metrics = {"clones_per_second": step.clones / step.seconds, "width": step.width}
            if step.best is not None:
                metrics["best_time"] = step.best.score_time
                line.set_postfix(best=f"{step.best.score_time:.2f} s", width=step.width)
            if step.result.tape.finished:
                metrics["found_time"] = step.result.tape.score_time
            sink(metrics, int(step.seconds))
            yield step


def verified(tape: Tape | None, dataset: str, environment: EnvironmentOptions) -> Tape | None:
    """Check the tape that a hunt starts from.

    Args:
        dataset: Its name in the catalog.

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
    """Provide a tape for hunts whose searches are too small to finish.

    Without a known one, on an engine with slow clones, it is the best of the agents' runs without
    noise.
    """
    if known is not None or environment.engine not in SLOW_CLONES:
        return known
    protocol = EvaluationOptions()
    runs = [
        evaluate_without_noise(agent, environment, protocol).tapes["native"] for agent in agents
    ]
    return min(runs, key=lambda tape: tape.rank)


class Refined(NamedTuple):
    """Results of a refinement after a round.

    Attributes:
        guides: Guides by name, the newest first.
        summary: Every round so far, as JSON.
        tape: Best run that its searches found.
    """

    guides: dict[str, Agent]
    summary: dict[str, Any]
    tape: Tape


def refine_in_rounds(
    stage: str,
    agents: Sequence[Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: int,
) -> Iterator[Refined]:
    """Refine an agent, with a live line on stderr and metrics in MLflow.

    Args:
        agents: The newest guide first, which is refined.

    Yields:
        Results after every round; the first round only measures.

    Raises:
        ValueError: If an agent is of another environment or has no critic.
    """
    refinement = GuideRefinement(environment, options, seed)
    rounds: list[dict[str, Any]] = []
    best: Tape | None = None
    with (
        stage_run(stage, options) as sink,
        tqdm(desc=stage, unit=" samples", unit_scale=True) as line,
    ):
        for step in refinement.run(agents, _passed_on(line, sink)):
            found = [result.tape for result in step.results]
            best = min([*found, *([best] if best else [])], key=lambda tape: tape.rank)
            rounds = [*rounds, _round_summary(step, best)]
            line.set_postfix(
                to_beat=f"{HUMAN_RECORD.seconds} s",
                best=f"{best.score_time:.2f} s" if best.finished else f"{best.distance:.1f} m",
                mean=f"{step.mean_time:.2f} s",
                round=_round_progress(step, options),
            )
            sink(_round_metrics(step, best), step.round)
            guides = {f"guide_{i}": agent for i, agent in enumerate(step.guides, start=1)}
            summary = {"rounds": rounds, "best_mean_time": step.best_mean_time}
            # A round is saved whole: guides, summary and tape.
            with stops_itself():
                yield Refined(guides, summary, best)


def _round_progress(step: RefinementStep, options: RefinementOptions) -> str:
    budget = options.budget
    of = f"/{budget.rounds}" if budget.rounds else ""
    left = (
        f", {max(budget.minutes - step.seconds / 60.0, 0.0):.0f} min left" if budget.minutes else ""
    )
    return f"{step.round}{of}{left}"


def _round_metrics(step: RefinementStep, best: Tape) -> dict[str, float]:
    metrics = {"gate_mean_time": step.mean_time, "core_minutes": step.core_seconds / 60.0}
    return {**metrics, "best_time": best.score_time} if best.finished else metrics


def _passed_on(line: "tqdm[Any]", sink: MetricSink) -> MetricSink:
    def pass_on(metrics: Mapping[str, float], samples: int) -> None:
        line.update(samples - line.n)
        sink(metrics, samples)

    return pass_on


def _round_summary(step: RefinementStep, best: Tape) -> dict[str, Any]:
    tapes: list[Tape] = [result.tape for result in step.results]
    return {
        "round": step.round,
        "mean_time": round(step.mean_time, 3),
        "times": [round(tape.score_time, 3) if tape.finished else None for tape in tapes],
        "promoted": step.promoted,
        "best_time": round(best.score_time, 3) if best.finished else None,
        "seconds": round(step.seconds, 1),
        "core_seconds": round(step.core_seconds, 1),
    }
