"""Node that refines guides; the work is done by ``qwop_wr.search``."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.search.refinement import GuideRefinement, RefinementOptions, RefinementStep
from qwop_wr.simulator.tape import Tape
from qwop_wr.tracking import MetricSink, stage_run

logger = logging.getLogger(__name__)


def refine_guides(
    expert: Agent,
    reigning: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: int,
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
    refinement = GuideRefinement(environment, options, seed)
    with checking("guide_agents"), stage_run("guides", options) as sink:
        rounds: list[dict[str, Any]] = []
        with tqdm(desc="guides", unit=" samples", unit_scale=True) as line:
            for step in refinement.run(agents, _shown(line, sink)):
                rounds = [*rounds, _round_summary(step)]
                line.set_postfix(best_mean=f"{step.best_mean_time:.2f} s", round=step.round)
                sink({"gate_mean_time": step.mean_time}, step.round)
                logger.info(
                    "Round %d: %.2f s, best %.2f s", step.round, step.mean_time, step.best_mean_time
                )
                guides = {f"guide_{i}": agent for i, agent in enumerate(step.guides, start=1)}
                yield guides, {"rounds": rounds, "best_mean_time": step.best_mean_time}


def _shown(line: "tqdm[Any]", sink: MetricSink) -> MetricSink:
    def pass_on(metrics: Mapping[str, float], samples: int) -> None:
        line.update(samples - line.n)
        sink(metrics, samples)

    return pass_on


def _round_summary(step: RefinementStep) -> dict[str, Any]:
    tapes: list[Tape] = [result.tape for result in step.results]
    return {
        "round": step.round,
        "mean_time": round(step.mean_time, 3),
        "times": [round(tape.score_time, 3) if tape.finished else None for tape in tapes],
        "promoted": step.promoted,
    }
