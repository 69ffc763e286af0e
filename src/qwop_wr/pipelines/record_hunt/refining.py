"""Refinement of guides in rounds, with progress shown and each round saved."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.metric_sink import MetricSink
from qwop_wr.search.refinement import GuideRefinement, RefinementOptions, RefinementStep
from qwop_wr.simulator.tape import Tape
from qwop_wr.stopping import stops_itself
from qwop_wr.tracking import stage_run


class Refined(NamedTuple):
    """What a refinement has come to after a round.

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
        stage: Name of the child run.
        agents: The newest guide first, which is refined.
        environment: Environment that all pipelines share.
        options: How to refine.
        seed: Seed of everything random.

    Yields:
        What there is after every round, the first one of which only measures.

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
        for step in refinement.run(agents, _shown(line, sink)):
            found = [result.tape for result in step.results]
            best = min([*found, *([best] if best else [])], key=lambda tape: tape.rank)
            rounds = [*rounds, _round_summary(step, best)]
            line.set_postfix(
                to_beat=f"{HUMAN_RECORD.seconds} s",
                best=f"{best.score_time:.2f} s" if best.finished else f"{best.distance:.1f} m",
                mean=f"{step.mean_time:.2f} s",
                round=_progress(step, options),
            )
            sink(_metrics(step, best), step.round)
            guides = {f"guide_{i}": agent for i, agent in enumerate(step.guides, start=1)}
            summary = {"rounds": rounds, "best_mean_time": step.best_mean_time}
            # A round is saved whole: guides, summary and tape.
            with stops_itself():
                yield Refined(guides, summary, best)


def _progress(step: RefinementStep, options: RefinementOptions) -> str:
    budget = options.budget
    of = f"/{budget.rounds}" if budget.rounds else ""
    left = (
        f", {max(budget.minutes - step.seconds / 60.0, 0.0):.0f} min left" if budget.minutes else ""
    )
    return f"{step.round}{of}{left}"


def _metrics(step: RefinementStep, best: Tape) -> dict[str, float]:
    metrics = {"gate_mean_time": step.mean_time, "core_minutes": step.core_seconds / 60.0}
    return {**metrics, "best_time": best.score_time} if best.finished else metrics


def _shown(line: "tqdm[Any]", sink: MetricSink) -> MetricSink:
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
