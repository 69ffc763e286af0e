"""Nodes of one training stage; the work is done by ``qwop_wr.agents``."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

import pandas as pd
import torch
from pydantic import Field, PositiveInt, model_validator

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes
from qwop_wr.agents.stage import StageGames, StageInputs, StageOptions, StageTraining, stage_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.options import Options
from qwop_wr.pipelines.games import GamesOptions, evaluation_games, platform_of
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions
from qwop_wr.simulator import SLOW_CLONES

_READ_WITHOUT_PLAY: Final = {
    *("budget", "coaching", "evaluation_starts", "gate_starts", "health"),
    *("save_every", "save_minutes", "progress_bar", "tensorboard"),
}
"""Options that count in a stage that only learns from its coach."""
_READ_IN_PLAY: Final = {"n_games", "fall_cost", "velocity", "shaping"}
"""Options of games that count only if a value learner plays in them."""


class AgentOptions(Options):
    """Options that all stages share, since each starts from the previous one's network."""

    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Non-linearity after each hidden layer."""
    layer_norm: bool = True
    """Normalise the hidden layers, which keeps values from diverging."""
    dueling: bool = False
    """Use a separate head for the state's value (dueling)."""
    n_quantiles: PositiveInt = 16
    """Quantiles of the return per action."""
    reward_scale: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Factor on rewards that brings the gaps between actions near 1."""
    gamma: float = Field(default=0.995, gt=0, lt=1)
    """Discount per decision."""
    n_steps: PositiveInt = 10
    """Rewards summed before a value is bootstrapped."""

    def applied_to(self, options: StageOptions) -> StageOptions:
        """Add the shared options to those of a stage.

        Args:
            options: What the stage has for itself.

        Returns:
            The options, with what all stages share.
        """
        return StageOptions.model_validate({**options.model_dump(), **self.model_dump()})


class Stage(Options):
    """A stage: its name, the games that it learns in, and how.

    Attributes:
        coach: Options of the coach, if ``options.coaching`` asks for one.
    """

    name: Annotated[str, Field(min_length=1)]
    games: GamesOptions
    options: StageOptions
    coach: ForesightCoachOptions = ForesightCoachOptions()

    @model_validator(mode="after")
    def _leaves_shared_options_alone(self) -> "Stage":
        if shared := sorted(self.options.model_fields_set & AgentOptions.model_fields.keys()):
            raise ValueError(
                f"options.{shared[0]} is shared by all stages; set agent.{shared[0]} instead"
            )
        return self

    @model_validator(mode="after")
    def _sets_nothing_in_vain(self) -> "Stage":
        if self.options.plays:
            return self
        unread = [f"options.{name}" for name in self.options.model_fields_set - _READ_WITHOUT_PLAY]
        unread += [f"games.{name}" for name in self.games.model_fields_set & _READ_IN_PLAY]
        if unread:
            raise ValueError(
                f"{min(unread)} does nothing in a stage with budget.steps 0, which only learns "
                "from its coach; leave it out, or let the stage play"
            )
        return self


def initialise_agent(
    options: AgentOptions, stage: Stage, environment: EnvironmentOptions, seed: Seed
) -> Agent:
    """Make the untrained agent that the first stage starts from.

    Args:
        seed: Seed of the weights.

    Returns:
        An agent with random weights.
    """
    learning = options.applied_to(stage.options)
    spec = learning.agent_spec(environment.interface, environment.engine)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Agent.from_network(spec, build_network(spec), {"stage": "initial", "seed": seed})


def train_agent(  # noqa: PLR0913, PLR0917 (an argument per input)
    incoming: Agent,
    interrupted: TrainingState | None,
    demonstrations: Recording,
    judge: Agent,
    environment: EnvironmentOptions,
    agent: AgentOptions,
    stage: Stage,
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Train one stage; its result is never worse than the incoming agent.

    Kedro saves each yielded state at once, so that an interrupted training can resume.

    Args:
        judge: Agent by whose values the coach of a stage without play of its own begins to rate.
        agent: Network and targets, which all stages share.
        stage: Games and options of the stage.
        evaluation: Protocol whose noise the gate's games have.
        seed: The gate's starts follow from it and from the incoming agent, which was
            selected on others.
        resume: Continue from ``interrupted``, if there is one, instead of starting anew.

    Yields:
        The training state at every checkpoint; the last one is the result.

    Raises:
        BadInputError: If agent, demonstrations and environment do not fit together, the
            interrupted training has other inputs, or a loss was not finite.
    """
    options, transitions = agent.applied_to(stage.options), None
    if options.uses_demonstrations:
        with checking("demonstrations"):
            transitions = demonstrations.transitions_for(environment.interface)
    with checking("the agent handed to " + stage.name):
        incoming.check_interface(environment.interface)
    if not options.plays:
        with checking("the judge handed to " + stage.name):
            judge.check_interface(environment.interface)
    training = stage_training(
        stage.model_copy(update={"options": options}),
        options.agent_spec(environment.interface, environment.engine),
        StageInputs(incoming, transitions, seed, judge),
        environment,
        evaluation,
    )
    logged = {"games": stage.games, "options": options, "coach": stage.coach}
    yield from train_on(stage.name, training, interrupted if resume else None, logged)


def choose_judge(guides: Mapping[str, Agent], agent: Agent) -> Agent:
    """Choose the agent by whose values the first coach begins to rate.

    Args:
        guides: Agents whose values searches have refined.
        agent: Agent that has learnt values.

    Returns:
        The newest guide, or else the agent. It is checked by the stage that needs it.
    """
    return guides[min(guides)] if guides else agent


def take_judge(training: TrainingState, stage: Stage) -> Agent:
    """Extract the agent by whose values the next stage's coach begins to rate.

    Raises:
        BadInputError: If the training is unfinished.
    """
    with checking(f"{stage.name}_training"):
        judge = stage_result(training).judge
    assert judge is not None  # noqa: S101 - every stage of a pipeline is given one
    return judge


def newest_guide(guides: Mapping[str, Agent], environment: EnvironmentOptions) -> Agent | None:
    """Return the guide that was refined last, if there is any.

    Raises:
        BadInputError: If it was made for another environment.
    """
    if not guides:
        return None
    guide = guides[min(guides)]
    with checking("guide_agents"):
        guide.check_interface(environment.interface)
    return guide


def stage_training(
    stage: Stage,
    spec: AgentSpec,
    inputs: StageInputs,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
) -> StageTraining:
    """Create the training of a stage in its own games; nobody coaches where clones are slow.

    Args:
        spec: Spec of the agents.
        inputs: What the stage begins with.
        environment: The environment that all pipelines share.
        evaluation: Protocol whose noise the gate's games have.

    Raises:
        BadInputError: If agent, demonstrations and environment do not fit together.
    """
    played, options = stage.games.environment(environment), stage.options
    noisy = randomised_options(environment, evaluation)
    if options.coaching is not None and environment.engine in SLOW_CLONES:
        without = options.coaching.model_copy(update={"rounds": 0})
        options = options.model_copy(update={"coaching": without})
    with checking(f"stage {stage.name}"):
        return StageTraining(
            options,
            _make_games(stage.games.n_games, options, played, noisy),
            spec,
            inputs,
            {
                "games": [stage.games.n_games, played.model_dump(mode="json")],
                "evaluated games": noisy.model_dump(mode="json"),
                "coach": stage.coach.model_dump(mode="json"),
            },
            lambda judge: ForesightCoach(judge, played, stage.coach),
        )


def take_agent(training: TrainingState, stage: Stage) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    """Extract the stage's results from its training.

    Returns:
        The agent, the history (``step``, ``metric``, ``value``) and the gate's report,
        with the rollbacks and the health of the learner.

    Raises:
        BadInputError: If the training is unfinished.
    """
    with checking(f"{stage.name}_training"):
        result = stage_result(training)
    agent = result.agent
    if result.gate.promoted:
        agent = agent.with_card(stage=stage.name, platform=platform_of(training))
    health = result.health._asdict() if result.health else None
    report = {**asdict(result.gate), "rollbacks": result.rollbacks, "health": health}
    return agent, result.history, report


def _make_games(
    n_games: int, options: StageOptions, played: EnvironmentOptions, noisy: EnvironmentOptions
) -> StageGames:
    if options.n_steps > played.max_ticks // played.ticks_per_action:
        raise ValueError(
            f"n_steps {options.n_steps} is longer than an episode of {played.max_ticks} ticks "
            f"at {played.ticks_per_action} per action; lower n_steps"
        )
    return StageGames(
        QwopVecEnv(QwopVectorEnv(n_games, played)),
        evaluation_games(options.evaluation_starts, noisy),
    )
