"""Training one stage, from what it is given to what it hands on."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import pandas as pd
from pydantic import JsonValue
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import MetricsCallback, history_logger, training_callbacks
from qwop_wr.agents.checkpoints import Checkpoints, EvaluationCallback
from qwop_wr.agents.coaching_rounds import CoachingProgress, CoachingRounds, MakeCoach
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.errors import TrainingDivergedError, TrainingStateError
from qwop_wr.agents.gate import pass_gate
from qwop_wr.agents.health import HealthReport, check_health
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.save_points import PauseCallback, SavePoints, TrainingPause
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions, StageResult
from qwop_wr.agents.stage_inputs import StageGames, StageInputs, check_inputs
from qwop_wr.agents.stage_state import (
    Phase,
    TrainingParts,
    capture,
    restore,
    result_state,
    stage_result,
)
from qwop_wr.agents.starts import draw_starts
from qwop_wr.agents.state import MALFORMED, TrainingState, resumable
from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_if_requested, stops_itself

N_PRETRAINING_RECORDS = 50
"""Entries of the history that a pre-training leaves per metric."""
_MAY_CHANGE: Final = {"progress_bar", "log_every", "device", "save_every", "save_minutes"}


class StageTraining:
    """Learns from play and demonstrations; never hands on less than was given.

    The agent, after the pre-training that the options ask for, first fills the buffer
    unchanged. While it learns, it is evaluated on a fixed set of starts; a collapse is
    rolled back. If the options ask for it, the best checkpoint then learns from a coach. The
    best of all meet the incoming agent on other starts at the end.

    Args:
        options: How to learn.
        games: Games to learn in, whose state can be read and set, and to evaluate in.
        spec: Spec of the agents, from ``options.agent_spec``.
        inputs: What the stage begins with; demonstrations are used if
            ``demonstration_share`` says so.
        task: What the training follows from besides, by name, as JSON.
        make_coach: Makes the coach; needed if ``options.coaching`` is set.

    Attributes:
        origin: All that the training follows from; a state of another origin is refused.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit.
    """

    def __init__(
        self,
        options: StageOptions,
        games: StageGames,
        spec: AgentSpec,
        inputs: StageInputs,
        task: Mapping[str, JsonValue] | None = None,
        make_coach: MakeCoach | None = None,
    ) -> None:
        check_inputs(options, games.training, spec, inputs.incoming, inputs.demonstrations)
        if options.coaching is not None and make_coach is None:
            raise ValueError("coaching is asked for, but there is no coach")
        self._options, self._games, self._spec, self._inputs = options, games, spec, inputs
        self._make_coach = make_coach
        self.origin: dict[str, JsonValue] = {
            "options": options.model_dump(mode="json", exclude=_MAY_CHANGE),
            "spec": spec.model_dump(mode="json"),
            **inputs.identity(options),
            **(task or {}),
        }

    def is_over(self, state: TrainingState) -> bool:
        """Tell whether nothing is left to do.

        Args:
            state: A state of this training.
        """
        return state.finished

    def run(
        self, state: TrainingState | None = None, sink: MetricSink = silent_sink
    ) -> Iterator[TrainingState]:
        """Train until the budget is used up and the gate has decided, or a stop is requested.

        A training limited by steps comes to the same weights and metrics, times aside,
        however often it is stopped and gone on with.

        Args:
            state: State to go on from.
            sink: Receives metrics while they come.

        Yields:
            The state whenever it is due; and at the end the result, without what it took
            to get there.

        Raises:
            TrainingStateError: If the state is that of another training.
            TrainingDivergedError: If a loss is not finite; carries batch and best agent.
            KeyboardInterrupt: If a stop was requested; the state has been given out.
        """
        state = resumable(state, self.origin)
        if state is not None and self.is_over(state):
            yield state
            return
        with single_torch_thread():
            parts = self._parts(state, sink)
            try:
                with stops_itself():
                    for _ in self._learn(parts):
                        yield capture(parts, self.origin)
                        parts.points.passed(parts.learner.num_timesteps)
                        stop_if_requested()
                yield self._judge(parts)
            except TrainingDivergedError as error:
                error.agent = parts.checkpoints.best
                raise

    def _parts(self, state: TrainingState | None, sink: MetricSink) -> TrainingParts:
        options, seed = self._options, self._inputs.seed
        history = MetricHistory(sink)
        starts = draw_starts(seed, "evaluation", options.evaluation_starts)
        checkpoints = Checkpoints(self._games.evaluation, starts, history)
        used = 0.0 if state is None else cast("float", state.facts["elapsed"])
        clock = BudgetClock(options.budget, used=used)
        learner = DemonstrationQRDQN(
            options, self._spec, self._games.training, self._inputs.demonstrations, clock, seed
        )
        learner.set_logger(history_logger(history))
        guard = CollapseGuard(learner, checkpoints, history)
        parts = TrainingParts(
            learner,
            checkpoints,
            guard,
            history,
            EvaluationCallback(checkpoints, learner.agent, options.evaluation_every, guard.watch),
            MetricsCallback(options.log_every),
            SavePoints(options.save_every, options.save_minutes),
        )
        if state is not None:
            try:
                restore(parts, state)
            except MALFORMED as error:
                raise TrainingStateError(f"it does not fit this training: {error}") from error
        return parts

    def _learn(self, parts: TrainingParts) -> Iterator[None]:
        """Go through the phases before the gate; gives way where the state is due."""
        learner, incoming = parts.learner, self._inputs.incoming
        if parts.phase is Phase.BEGINNING:
            if incoming is not None:
                learner.load_weights(incoming.weights)
            parts.checkpoints.consider(incoming or learner.agent(), step=0, reference=True)
            parts.phase = Phase.PRETRAINING
        if parts.phase is Phase.PRETRAINING:
            if self._options.pretraining_steps:
                yield from self._pretrain(parts)
                parts.checkpoints.consider(learner.agent(), step=0)
            parts.phase = Phase.PLAYING
        if parts.phase is Phase.PLAYING:
            yield from self._play(parts)
            parts.phase = Phase.COACHING if self._options.coaching else Phase.GATE
            yield
        if parts.phase is Phase.COACHING:
            yield from self._be_coached(parts)
            parts.phase = Phase.GATE
            yield

    def _pretrain(self, parts: TrainingParts) -> Iterator[None]:
        learner, steps = parts.learner, self._options.pretraining_steps
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
                    parts.history.record(named, step)
                if parts.points.due(0):
                    yield

    def _play(self, parts: TrainingParts) -> Iterator[None]:
        learner, limit = parts.learner, self._options.budget.steps
        with training_callbacks(
            learner.clock,
            [parts.evaluation, PauseCallback(parts.points)],
            parts.metrics,
            self._options.progress_bar,
        ) as callbacks:
            paused = True
            while paused:
                try:
                    learner.learn(
                        total_timesteps=limit - learner.num_timesteps if limit else sys.maxsize,
                        callback=callbacks,
                        log_interval=sys.maxsize,
                        reset_num_timesteps=False,
                    )
                    paused = False
                except TrainingPause:
                    yield

    def _be_coached(self, parts: TrainingParts) -> Iterator[None]:
        options, best = self._options.coaching, parts.checkpoints.best
        if options is None or self._make_coach is None or best is None:
            return
        parts.coaching = parts.coaching or CoachingProgress(judge=best, agent=best)
        rounds = CoachingRounds(
            self._make_coach,
            options,
            self._inputs.seed,
            parts.checkpoints,
            parts.history,
            first_step=parts.learner.num_timesteps,
            progress_bar=self._options.progress_bar,
        )
        for _ in rounds.run(parts.coaching):
            if parts.points.due(parts.learner.num_timesteps + parts.coaching.decisions):
                yield

    def _judge(self, parts: TrainingParts) -> TrainingState:
        incoming, seed = self._inputs.incoming, self._inputs.seed
        # Starts of its own: on those that it was chosen on, the incoming agent looks too good.
        purpose = "gate" if incoming is None else f"gate {incoming.fingerprint}"
        agent, gate = pass_gate(
            incoming,
            parts.checkpoints.agents,
            self._games.evaluation,
            draw_starts(seed, purpose, self._options.gate_starts),
        )
        if agent is not incoming:
            agent = agent.with_card(**_card(self._options, incoming, seed))
        history = parts.history.frame()
        health = _health(self._options, history)
        result = StageResult(agent, history, gate, parts.guard.rollbacks, health)
        return result_state(result, self.origin)


def train_stage(
    options: StageOptions,
    games: StageGames,
    spec: AgentSpec,
    inputs: StageInputs,
    sink: MetricSink = silent_sink,
) -> StageResult:
    """Train a stage in one go; its state is not kept.

    Args:
        options: How to learn.
        games: Games to learn and to evaluate in.
        spec: Spec of the agents, from ``options.agent_spec``.
        inputs: What the stage begins with.
        sink: Receives metrics while they come.

    Returns:
        Agent to hand on, history of the metrics and the gate's report.

    Raises:
        ValueError: If agent, demonstrations, environments and options do not fit.
        TrainingDivergedError: If a loss is not finite; carries batch and best agent.
    """
    *_, end = StageTraining(options, games, spec, inputs).run(sink=sink)
    return stage_result(end)


def _health(options: StageOptions, history: pd.DataFrame) -> HealthReport | None:
    """Compare the last evaluation with the last one before the stage played."""
    if options.health is None:
        return None
    rates = history[history["metric"] == "evaluation/finish_rate"]
    reference = float(rates.loc[rates["step"] == 0, "value"].iloc[-1])
    return check_health(options.health, reference, float(rates["value"].iloc[-1]))


def _card(options: StageOptions, incoming: Agent | None, seed: int) -> dict[str, Any]:
    return {
        "options": options.model_dump(mode="json"),
        "reward_scale": options.reward_scale,
        "seed": seed,
        "incoming": incoming.fingerprint if incoming else None,
    }
