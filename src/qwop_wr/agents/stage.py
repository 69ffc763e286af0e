"""One stage of value learning: pre-train, play, learn from a coach, pass the gate."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt, model_validator
from stable_baselines3.common.vec_env import VecEnv
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import RankedAgent
from qwop_wr.agents.coaching import CoachedLearner, CoachingOptions, MakeCoach
from qwop_wr.agents.gate import (
    AgentScore,
    GateReport,
    HealthOptions,
    HealthReport,
    check_health,
    draw_starts,
    pass_gate,
)
from qwop_wr.agents.learners.learner import Learner, Progress
from qwop_wr.agents.learners.options import (
    BOOKKEEPING,
    DemonstrationLearning,
    TrainingOptions,
)
from qwop_wr.agents.learners.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    MALFORMED,
    TrainingState,
    TrainingStateError,
    agent_facts,
    history_arrays,
    history_frame,
    prefixed,
)
from qwop_wr.agents.training import Training, TrainingContext
from qwop_wr.agents.transitions import Transitions
from qwop_wr.metric_sink import MetricSink, silent_sink

N_PRETRAINING_RECORDS = 50
"""Entries of the history that a pre-training leaves per metric."""


class StageOptions(TrainingOptions, DemonstrationLearning):
    """Options of a stage; stages differ in nothing else.

    Pre-training counts in a budget's minutes, not in its steps.
    """

    coaching: CoachingOptions | None = None
    """How the best checkpoint learns from a coach afterwards; no coaching if null."""

    evaluation_starts: PositiveInt = 256
    collapse_fraction: float = Field(default=0.7, ge=0, lt=1)
    """Finish rate or mean distance below this share of the best checkpoint's is a collapse;
    0 disables the check."""
    max_rollbacks: NonNegativeInt = 3
    """Collapses after which the learner returns to the best checkpoint with half the
    learning rate."""
    health: HealthOptions | None = None
    """Rule for the learner's last evaluation, for the report."""
    gate_starts: PositiveInt = 1024
    """Starts on which the incoming and the best agent are compared at the end."""
    save_minutes: float | None = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Minutes between two states, pre-training included."""

    @model_validator(mode="after")
    def _learns_somehow(self) -> "StageOptions":
        if not self.plays and (self.coaching is None or self.pretraining_steps):
            raise ValueError(
                "budget.steps is 0: such a stage only learns from its coach; it needs coaching "
                "and takes no pretraining_steps"
            )
        return self

    @property
    def plays(self) -> bool:
        """Whether the value learner plays, before any coaching."""
        return self.budget.steps != 0


class StageGames(NamedTuple):
    """Games to learn in, and groups to evaluate in without automatic reset."""

    training: VecEnv
    evaluation: Sequence[VectorEnv[Any, Any, Any]]


class StageInputs(NamedTuple):
    """What a stage begins with; without an incoming agent, with a fresh network.

    Attributes:
        judge: Agent by whose values the coach of a stage without play of its own begins to rate;
            the one that is coached if omitted.
    """

    incoming: Agent | None
    demonstrations: Transitions | None
    seed: int
    judge: Agent | None = None

    def identity(self, options: StageOptions) -> dict[str, JsonValue]:
        """Returns seed, agents' fingerprints and, if used, a SHA-256 of the demonstrations."""
        data: str | None = None
        if self.demonstrations is not None and options.uses_demonstrations:
            steps, digest = self.demonstrations, hashlib.sha256()
            for array in (steps.obs, steps.actions, steps.rewards, steps.dones, steps.episode):
                digest.update(np.ascontiguousarray(array).tobytes())
            data = digest.hexdigest()
        agent = self.incoming.fingerprint if self.incoming else None
        found: dict[str, JsonValue] = {
            "seed": self.seed,
            "incoming agent": agent,
            "demonstrations": data,
        }
        if self.judge is not None and options.coaching is not None and not options.plays:
            found["judging agent"] = self.judge.fingerprint
        return found


@dataclass(frozen=True, eq=False)
class StageResult:
    """The result of a stage.

    Attributes:
        agent: The promoted agent, or the incoming one unchanged.
        history: Metrics in long form: ``step``, ``metric``, ``value``.
        gate: Comparison that decided between the two.
        rollbacks: Collapses after which the learner returned to the best checkpoint.
        health: Whether the learner met the stage's rule, if it has one.
        judge: Agent by whose values the next stage's coach can begin to rate; if the stage has a
            coach and does not play, the one whose values have followed its agent. None if there
            was none.
    """

    agent: Agent
    history: pd.DataFrame
    gate: GateReport
    rollbacks: int
    health: HealthReport | None
    judge: Agent | None


class Phase(Enum):
    """Phases of a stage, in order."""

    BEGINNING = "beginning"
    PRETRAINING = "pretraining"
    PLAYING = "playing"
    COACHING = "coaching"
    GATE = "gate"


class CollapseGuard:
    """Rolls a learner back to its best checkpoint when it has collapsed.

    A collapse is a finish rate or mean distance below ``collapse_fraction`` of the best
    checkpoint's.

    Attributes:
        rollbacks: Collapses after which the learner was rolled back.
        collapses: All collapses.
    """

    def __init__(self, options: StageOptions) -> None:
        self._options = options
        self.rollbacks = 0
        self.collapses = 0

    def watch(
        self, learner: DemonstrationQRDQN, best: RankedAgent, score: AgentScore
    ) -> dict[str, float]:
        """Rolls back if the score of the learner is a collapse; returns metrics of a collapse."""
        least = self._options.collapse_fraction
        if (
            score.finish_rate >= least * best.score.finish_rate
            and score.mean_distance >= least * best.score.mean_distance
        ):
            return {}
        self.collapses += 1
        if self.rollbacks < self._options.max_rollbacks:
            self.rollbacks += 1
            learner.roll_back(best.agent)
        return {
            "collapse/collapses": float(self.collapses),
            "collapse/rollbacks": float(self.rollbacks),
            "collapse/rate_factor": learner.rate_factor,
        }


class StageTraining(Training):
    """Learns from play and demonstrations; never passes on less than it was given.

    The agent, after the pre-training that the options ask for, first fills the buffer
    unchanged. While it learns, it is evaluated on a fixed set of starts; a collapse is
    rolled back. If the options ask for it, the best checkpoint then learns from a coach. The
    best agents meet the incoming agent on other starts at the end.

    Args:
        games: Games to learn in, whose state can be saved, and to evaluate in.
        spec: Spec of the agents, from ``options.agent_spec``.
        conditions: Whatever else the training depends on, by name.
        make_coach: Makes the coach; needed if ``options.coaching`` is set.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit.
    """

    def __init__(
        self,
        options: StageOptions,
        games: StageGames,
        spec: AgentSpec,
        inputs: StageInputs,
        conditions: Mapping[str, JsonValue] | None = None,
        make_coach: MakeCoach | None = None,
    ) -> None:
        check_inputs(options, games.training, spec, inputs.incoming, inputs.demonstrations)
        if options.coaching is not None and make_coach is None:
            raise ValueError("coaching is asked for, but there is no coach")
        if not options.plays and inputs.incoming is None:
            raise ValueError("coaching alone needs an incoming agent")
        origin: dict[str, JsonValue] = {
            "options": options.model_dump(mode="json", exclude={*BOOKKEEPING} - {"stop_at"}),
            "spec": spec.model_dump(mode="json"),
            **inputs.identity(options),
            **(conditions or {}),
        }
        super().__init__(options, games.evaluation, inputs.seed, origin)
        self._options, self._games, self._spec, self._inputs = options, games, spec, inputs
        self._make_coach, self._judge = make_coach, inputs.judge

    def is_over(self, state: TrainingState) -> bool:
        """Returns whether nothing is left to do."""
        return state.finished

    def _make_learner(self, progress: Progress) -> Learner:
        self._phase, self._guard = Phase.BEGINNING, CollapseGuard(self._options)
        if not self._options.plays:
            assert self._inputs.incoming is not None  # noqa: S101 - the constructor made sure
            return self._coached(self._inputs.incoming, first_step=0)
        games, steps, seed = self._games.training, self._inputs.demonstrations, self._seed
        return DemonstrationQRDQN(self._options, self._spec, games, steps, progress, seed)

    def _phases(self, context: TrainingContext) -> Iterator[None]:
        options, learner = self._options, context.learner
        if self._phase is Phase.BEGINNING:
            if self._inputs.incoming is not None:
                learner.start_from(self._inputs.incoming)
            reference = self._inputs.incoming or learner.agent()
            context.checkpoints.consider(reference, step=0, reference=True)
            self._phase = Phase.PRETRAINING if options.plays else Phase.COACHING
        if self._phase is Phase.PRETRAINING:
            if options.pretraining_steps:
                yield from self._pretrain(context, cast("DemonstrationQRDQN", learner))
                self._evaluate(context)
            self._phase = Phase.PLAYING
        if self._phase is Phase.PLAYING:
            yield from self._loop(
                context,
                partial(options.progress, clock=context.clock),
                options.evaluation_every,
                options.log_every,
                partial(self._guard_against_collapse, context),
            )
            self._phase = Phase.GATE
            if options.coaching is not None:
                best = context.checkpoints.ranked[0].agent
                self._phase = Phase.COACHING
                context.learner = self._coached(best, context.learner.steps)
            yield
        if self._phase is Phase.COACHING:
            coached = cast("CoachedLearner", context.learner)
            yield from self._loop(
                context, coached.progress, evaluation_every=1, log_every=1, activity="coaching"
            )
            if not options.plays:
                self._judge = coached.judge
            self._phase = Phase.GATE
            yield

    def _pretrain(self, context: TrainingContext, learner: DemonstrationQRDQN) -> Iterator[None]:
        steps = self._options.pretraining_steps
        every = max(steps // N_PRETRAINING_RECORDS, 1)
        with tqdm(
            total=steps,
            initial=learner.pretrained_steps,
            desc="pre-training",
            unit=" updates",
            disable=not self._options.progress_bar,
        ) as bar:
            for metrics in learner.pretrain(steps):
                bar.update()
                step = learner.pretrained_steps
                if step % every == 0:
                    named = {f"pretraining/{k}": v for k, v in metrics.items()}
                    context.history.record(named, step)
                if context.saves.due(0):
                    yield

    def _guard_against_collapse(self, context: TrainingContext, score: AgentScore) -> None:
        learner = cast("DemonstrationQRDQN", context.learner)
        counts = self._guard.watch(learner, context.checkpoints.ranked[0], score)
        if counts:
            context.history.record(counts, learner.steps)

    def _coached(self, agent: Agent, first_step: int) -> CoachedLearner:
        assert self._options.coaching is not None  # noqa: S101 - the caller has looked
        assert self._make_coach is not None  # noqa: S101 - the constructor made sure
        judge = agent if self._options.plays else self._inputs.judge or agent
        coaching = self._options.coaching
        return CoachedLearner(agent, judge, self._make_coach, coaching, self._seed, first_step)

    def _last_state(self, context: TrainingContext) -> TrainingState:
        """Compares the best agents with the incoming one at the gate."""
        options, incoming, seed = self._options, self._inputs.incoming, self._seed
        # Starts of its own: on those that it was chosen on, the incoming agent looks too good.
        purpose = "gate" if incoming is None else f"gate {incoming.fingerprint}"
        checkpoints = context.checkpoints
        ranked = {one.agent.fingerprint: one.score for one in checkpoints.ranked}
        if incoming is not None and checkpoints.reference is not None:
            ranked[incoming.fingerprint] = checkpoints.reference
        agent, gate = pass_gate(
            incoming,
            checkpoints.agents,
            self._games.evaluation,
            draw_starts(seed, purpose, options.gate_starts),
            draw_starts(seed, f"selection of {purpose}", options.evaluation_starts),
            ranked,
        )
        if agent is not incoming:
            agent = agent.with_card(
                options=options.model_dump(mode="json"),
                reward_scale=options.reward_scale,
                seed=seed,
                incoming=incoming.fingerprint if incoming else None,
            )
        history = context.history.frame()
        health = _health(options, history)
        arrays = {
            **prefixed("agent", agent.weights),
            **prefixed("history", history_arrays(history)),
            **self._judge_arrays(),
        }
        facts: dict[str, Any] = {
            **self.origin,
            "finished": True,
            "agent": agent_facts(agent),
            "gate": asdict(gate),
            "rollbacks": self._guard.rollbacks,
            "health": health._asdict() if health else None,
            "next_judge": self._judge_facts(),
        }
        return TrainingState(arrays, facts)

    def _judge_facts(self) -> dict[str, JsonValue] | None:
        return agent_facts(self._judge) if self._judge else None

    def _judge_arrays(self) -> dict[str, NDArray[Any]]:
        return prefixed("next_judge", self._judge.weights) if self._judge else {}

    def _state(self, context: TrainingContext) -> TrainingState:
        guard = self._guard
        return (
            super()
            ._state(context)
            .with_facts(
                part=self._phase.value,
                collapses=guard.collapses,
                rollbacks=guard.rollbacks,
                next_judge=self._judge_facts(),
            )
        )

    def _learner_arrays(self, context: TrainingContext) -> Mapping[str, NDArray[Any]]:
        # The gate needs the ranked agents alone.
        return self._judge_arrays() if self._phase is Phase.GATE else context.learner.arrays()

    def _restore_learner(self, context: TrainingContext, state: TrainingState) -> None:
        facts = cast("Mapping[str, Any]", state.facts)
        self._phase = Phase(facts["part"])
        self._guard.collapses, self._guard.rollbacks = facts["collapses"], facts["rollbacks"]
        if self._phase is Phase.COACHING:
            best = context.checkpoints.ranked[0].agent
            context.learner = self._coached(best, context.learner.steps)
        if self._phase is Phase.GATE:
            self._judge = _next_judge(state)
        else:
            context.learner.restore(state)


def stage_result(state: TrainingState) -> StageResult:
    """Reads the result of a stage from the last state of its training.

    Raises:
        TrainingStateError: If the stage has not ended or the state is malformed.
    """
    if not state.finished:
        raise TrainingStateError("the training has not ended; go on with --params=resume=true")
    facts: Mapping[str, Any] = state.facts
    try:
        gate = facts["gate"]
        scores = {
            name: gate[name] and AgentScore(**gate[name]) for name in ("incoming", "outgoing")
        }
        return StageResult(
            agent=state.agent("agent", facts["agent"]),
            history=history_frame(state.part("history")),
            gate=GateReport(**{**gate, **scores}),
            rollbacks=facts["rollbacks"],
            health=facts["health"] and HealthReport(**facts["health"]),
            judge=_next_judge(state),
        )
    except MALFORMED as error:
        raise TrainingStateError(
            f"the training state lacks {error} or has it in another form"
        ) from error


def _next_judge(state: TrainingState) -> Agent | None:
    facts = cast("dict[str, Any] | None", state.facts["next_judge"])
    return None if facts is None else state.agent("next_judge", facts)


def train_stage(
    options: StageOptions,
    games: StageGames,
    spec: AgentSpec,
    inputs: StageInputs,
    sink: MetricSink = silent_sink,
) -> StageResult:
    """Trains a stage in one go, without saving its state.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit.
        TrainingDivergedError: If a loss is not finite; carries batch and best agent.
    """
    *_, end = StageTraining(options, games, spec, inputs).run(sink=sink)
    return stage_result(end)


def check_inputs(
    options: StageOptions,
    training_env: VecEnv,
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
) -> None:
    """Checks that a stage's inputs fit one another, before anything is trained.

    Raises:
        ValueError: Naming what does not fit and what would.
    """
    if incoming is not None:
        spec.check_continues(incoming.spec, "the incoming agent", "the stage")
    shape = training_env.observation_space.shape
    if shape != (spec.n_observations,):
        raise ValueError(
            f"the training environment's observations have shape {shape}, "
            f"the agent's ({spec.n_observations},)"
        )
    if not options.uses_demonstrations:
        return
    if demonstrations is None:
        raise ValueError("demonstration_share is above 0, but there are no demonstrations")
    if demonstrations.obs.shape[1] != spec.n_observations:
        raise ValueError(
            f"demonstrations hold {demonstrations.obs.shape[1]} numbers per observation, "
            f"the environment gives {spec.n_observations}; record them anew with its observation"
        )
    longest = int(np.diff(np.flatnonzero(demonstrations.ends), prepend=-1).max())
    if options.n_steps > longest:
        raise ValueError(
            f"n_steps is {options.n_steps}, but the longest demonstrated episode has {longest} "
            "decisions; lower n_steps"
        )
    if demonstrations.actions.max() >= spec.n_actions:
        raise ValueError(
            f"demonstrations hold action {demonstrations.actions.max()}, the environment has "
            f"actions 0 to {spec.n_actions - 1}; record them anew with its action set"
        )


def _health(options: StageOptions, history: pd.DataFrame) -> HealthReport | None:
    """Compares the last evaluation with the last one before the stage played."""
    if options.health is None:
        return None
    rates = history[history["metric"] == "evaluation/finish_rate"]
    reference = float(rates.loc[rates["step"] == 0, "value"].iloc[-1])
    return check_health(options.health, reference, float(rates["value"].iloc[-1]))
