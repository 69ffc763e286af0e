"""Nodes that train an expert from scratch, and search with it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import pandas as pd
from pydantic import Field

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import draw_starts, pass_gate
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.stage import StageInputs, stage_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import training_result
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.options import Options
from qwop_wr.pipelines.games import GamesOptions, evaluation_games, platform_of, ppo_training
from qwop_wr.pipelines.inputs import NO_GUIDES, checking, fingerprint
from qwop_wr.pipelines.record_hunt.rounds import (
    hunt_in_rounds,
    judges_of,
    refine_in_rounds,
    verified,
)
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.pipelines.training.nodes import Stage, newest_guide, stage_training
from qwop_wr.search.hunt import HuntOptions
from qwop_wr.search.refinement import GuideRefinement, RefinementOptions, deciding_every
from qwop_wr.simulator.tape import Tape

_ORIGIN: Final = "refined_from"
"""Entry of a guide's card: fingerprint of the agent that it came from, and options."""


class GateOptions(Options):
    """Comparison of two agents on the same starts."""

    starts: Annotated[int, Field(ge=1, le=10_000)]


def train_expert(  # noqa: PLR0913, PLR0917 (an argument per input)
    interrupted: TrainingState | None,
    reigning: Agent | None,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: PPOOptions,
    begins_with: Literal["random", "reigning"],
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Train an agent with PPO.

    Kedro saves each yielded state at once, so that an interrupted training can resume.

    Args:
        begins_with: Random weights, or the reigning expert's.
        evaluation: Protocol whose noise the evaluated games have.
        resume: Continue from ``interrupted``, if there is one, instead of starting anew.

    Yields:
        The training state at every checkpoint, and at the end.

    Raises:
        BadInputError: If there is no reigning expert to begin with; if there is one of another
            environment, which could not be compared with the new one and would be
            overwritten; if the training to resume has other inputs; or if weights are not
            finite.
    """
    if reigning is not None:
        with checking("reigning_expert_agent"):
            reigning.check_interface(environment.interface)
    elif begins_with == "reigning":
        raise BadInputError("expert.begins_with is reigning, but there is no expert_agent")
    with checking("params:expert"):
        training = ppo_training(
            options,
            games,
            environment,
            evaluation,
            seed,
            time_to_beat=HUMAN_RECORD.seconds,
            initial=reigning if begins_with == "reigning" else None,
        )
    logged = {"games": games, "options": options}
    yield from train_on("expert", training, interrupted if resume else None, logged)


def take_trained(training: TrainingState) -> tuple[Agent, pd.DataFrame]:
    """Extract the best agent of the training with PPO.

    Returns:
        The best evaluated agent, and the history (``step``, ``metric``, ``value``).
    """
    with checking("expert_training"):
        result = training_result(training)
    return result.agent.with_card(stage="expert", platform=platform_of(training)), result.history


def coach_expert(
    trained: Agent,
    guides: Mapping[str, Agent],
    interrupted: TrainingState | None,
    environment: EnvironmentOptions,
    stage: Stage,
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Let a trained agent learn from a coach, round by round.

    Kedro saves each yielded state at once, so that an interrupted coaching can resume.

    Args:
        guides: What searches made of the agent. The coach begins with the newest one's values.
        stage: Games, coach and rounds.
        evaluation: Protocol whose noise the evaluated games have.
        resume: Continue from ``interrupted``, if there is one, instead of starting anew.

    Yields:
        The training state at every checkpoint; the last one is the result.
    """
    judge = newest_guide(guides, environment)
    inputs = StageInputs(trained, None, seed, judge)
    training = stage_training(stage, trained.spec, inputs, environment, evaluation)
    yield from train_on(stage.name, training, interrupted if resume else None, stage)


def coach_champion(  # noqa: PLR0913, PLR0917 (an argument per input)
    champion: Agent | None,
    reigning: Agent | None,
    guides: Mapping[str, Agent],
    interrupted: TrainingState | None,
    environment: EnvironmentOptions,
    stage: Stage,
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Let the champion, or else the reigning expert, go on with a coach.

    Args:
        champion: Best agent of earlier runs; without one, the expert is champion. Made for
            another ``ticks_per_action``, it goes on with the environment's.
        guides: The coach begins with the newest one's values.
        stage: Games, coach and rounds.
        evaluation: Protocol whose noise the evaluated games have.
        resume: Continue from ``interrupted``, if there is one, instead of starting anew.

    Yields:
        The training state at every checkpoint; the last one is the result.

    Raises:
        BadInputError: If there is neither, or no guide.
    """
    trained = reigning if champion is None else champion
    if trained is None:
        raise BadInputError("there is neither a champion nor an expert that could go on")
    trained = deciding_every(trained, environment.ticks_per_action)
    with checking("the champion"):
        trained.check_interface(environment.interface)
    if not guides:
        raise BadInputError(NO_GUIDES)
    yield from coach_expert(
        trained, guides, interrupted, environment, stage, evaluation, seed, resume
    )


def take_candidate(
    coaching: TrainingState, trained: Agent
) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    """Extract the coached agent, with its training's entries in its card.

    Returns:
        The agent, the history (``step``, ``metric``, ``value``) of the coaching and the
        report of the gate, which hands on the agent as trained if coaching made it worse.
    """
    with checking("expert_coaching_training"):
        result = stage_result(coaching)
    agent = result.agent
    if result.gate.promoted:
        agent = agent.with_card(**{**trained.card, "coached": {**agent.card}})
    return agent, result.history, asdict(result.gate)


def select_expert(
    candidate: Agent,
    reigning: Agent | None,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
    options: GateOptions,
    seed: Seed,
) -> tuple[Agent, dict[str, Any]]:
    """Keep the reigning expert unless the candidate loses nothing and gains something.

    Args:
        reigning: Decides as often as the environment asks, whatever it was made for.
        evaluation: Protocol whose noise the games have.
        options: How many starts both play.
        seed: Seed that the starts follow from, together with the reigning expert.

    Returns:
        The expert from now on, and the comparison.
    """
    noisy = randomised_options(environment, evaluation)
    games = evaluation_games(min(options.starts, 512), noisy)
    # New starts: on those that they were selected on, both would look too good.
    purpose = "expert" if reigning is None else f"expert {reigning.fingerprint}"
    agent, report = pass_gate(
        reigning, [candidate], games, draw_starts(seed, purpose, options.starts)
    )
    return agent, asdict(report)


def crown_successor(
    successor: Agent, gate: dict[str, Any], champion: Agent | None, reigning: Agent | None
) -> Agent:
    """Make the new expert the champion, too, so that the next runs compete with it.

    Args:
        successor: Agent that the champion became under the coach.
        gate: Its comparison with the reigning expert.
        champion: Best agent of earlier runs; without one, the expert is champion.

    Returns:
        The champion from now on; a new one's card has the agents that it beat as ``defeated``.
    """
    former = reigning if champion is None else champion
    if former is not None and not gate["promoted"]:
        return former
    rivals = {agent.fingerprint for agent in (champion, reigning) if agent is not None}
    return successor.with_card(defeated=[*sorted(rivals - {successor.fingerprint})])


def refine_expert(
    trained: Agent,
    interrupted: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[tuple[dict[str, Agent], dict[str, Any], Tape]]:
    """Refine the new agent's values and policy on states that searches visit, in rounds.

    Args:
        interrupted: Guides of the last refinement, if there was one.
        resume: Continue from ``interrupted`` if those guides come from the trained agent,
            refined with the same options.

    Yields:
        Guides by name, the newest first, a summary, and the best run found so far,
        after every round.
    """
    newest = [interrupted[name] for name in sorted(interrupted)]
    origin = fingerprint(
        trained.fingerprint,
        environment.model_dump(mode="json"),
        options.model_dump(mode="json", exclude={"budget"}),
        seed,
    )
    descends = bool(newest) and newest[0].card.get(_ORIGIN) == origin
    agents = newest if resume and descends else [trained]
    with checking("expert_trained_agent"):
        for refined in refine_in_rounds("expert_rounds", agents, environment, options, seed):
            guides = {
                name: guide.with_card(**{_ORIGIN: origin}) for name, guide in refined.guides.items()
            }
            yield guides, refined.summary, refined.tape


def search_with_expert(
    guides: Mapping[str, Agent],
    found: Tape,
    interrupted: Tape | None,
    environment: EnvironmentOptions,
    options: HuntOptions,
    seed: Seed,
    resume: bool,
    compute: ComputeOptions,
) -> Iterator[tuple[Tape, dict[str, Any]]]:
    """Search for the fastest run with the new guides, or the farthest one without a finish.

    Args:
        found: Best run that their refinement found.
        interrupted: Fastest run of the last search, if there was one.
        resume: Start from ``interrupted``, too, if it is faster.

    Yields:
        The best run so far and a summary.
    """
    known = [verified(found, "expert_found_tape", environment)]
    if resume:
        known.append(verified(interrupted, "interrupted_expert_tape", environment))
    best = min([tape for tape in known if tape is not None], key=lambda tape: tape.rank)
    judges = judges_of([guides[name] for name in sorted(guides)], environment)
    yield from hunt_in_rounds("expert_hunt", judges, best, environment, options, seed, compute)


def select_guides(
    candidates: Mapping[str, Agent],
    reigning: Mapping[str, Agent],
    environment: EnvironmentOptions,
    options: RefinementOptions,
    seed: Seed,
) -> tuple[dict[str, Agent], dict[str, Any]]:
    """Keep the reigning guides unless narrow searches with the new ones are faster.

    Both are measured by new searches that neither was selected on: the best of several
    rounds looks better than it is.

    Args:
        options: How guides are measured.
        seed: Seed that the searches follow from, together with the reigning guides.

    Returns:
        The guides from now on, and the comparison: mean times [s].

    Raises:
        BadInputError: If a guide is of another environment.
    """
    if not reigning:
        return dict(candidates), {"incoming": None, "outgoing": None, "promoted": True}
    incoming, outgoing = reigning[min(reigning)], candidates[min(candidates)]
    mixed = seed ^ int(incoming.fingerprint[:8], 16)
    gate = GuideRefinement(environment, options, mixed)
    times = {}
    for name, guide in (("reigning_guide_agents", incoming), ("expert_guides", outgoing)):
        with checking(name):
            times[name] = gate.measure(guide, first=options.gate_searches)
    promoted = times["expert_guides"] < times["reigning_guide_agents"]
    report = {"incoming": times["reigning_guide_agents"], "outgoing": times["expert_guides"]}
    return dict(candidates if promoted else reigning), {**report, "promoted": promoted}
