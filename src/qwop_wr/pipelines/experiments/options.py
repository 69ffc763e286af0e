"""Experiments as configuration: how each is trained, why, and which are compared."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import (
    Field,
    PositiveInt,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from qwop_wr.agents.learners.options import ALGORITHMS, LearningOptions, TrainingOptions
from qwop_wr.agents.schedules import TrainingBudget
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError, describe_validation_error, suggest
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.options import Options

_OWN: Final = {"hypothesis", "outcome", "source", "begins_with"}
"""Keys that ``like`` does not inherit."""
_LEARNER_FIELDS: Final = (
    "environment",
    "n_games",
    "bootstrap_finish",
    "learning",
    "training",
    "evaluation",
    "begins_with",
)
"""Fields that variants of stage 1 do not use."""


class Beginning(Options):
    """A checkpoint of another experiment."""

    experiment: str
    """The other experiment."""
    step: PositiveInt
    """Its steps at the checkpoint."""


class LearningPlan(NamedTuple):
    """How an experiment learns, and for how long."""

    learning: LearningOptions
    training: TrainingOptions


class Experiment(Options):
    """One configuration, and why it is trained.

    It is either any algorithm on any environment (``learning``, ``training`` and the fields
    beside them) or a variant of stage 1 (``stage``), which learns from the demonstrations.
    """

    hypothesis: str
    """The question that it answers."""
    outcome: str | None = None
    """Result of the original study."""
    source: str | None = None
    """Where that is documented, and which settings are ours."""
    environment: EnvironmentOptions = EnvironmentOptions()
    """The game; not the ``environment`` that the other pipelines share."""
    n_games: int = Field(default=8, ge=1, le=4096)
    """Games played side by side."""
    bootstrap_finish: bool = True
    """Estimate the value beyond a finish instead of taking 0."""
    learning: LearningOptions | None = None
    """Algorithm and its options."""
    training: TrainingOptions | None = None
    """Budget, evaluations, logging."""
    evaluation: EvaluationOptions = EvaluationOptions()
    """Protocol that the best agent is evaluated by at the end."""
    begins_with: Beginning | None = None
    """Checkpoint to start from instead of random weights."""
    stage: dict[str, Any] | None = None
    """Changes to the options of stage 1."""

    @field_validator("stage")
    @classmethod
    def _changes_fit(cls, changes: dict[str, Any] | None) -> dict[str, Any] | None:
        # Checks over several options wait for those of stage 1.
        budget = {"budget": TrainingBudget(steps=1)}
        try:
            StageOptions.model_validate(budget | (changes or {}))
        except ValidationError as error:
            if any(detail["loc"] for detail in error.errors()):
                problems = describe_validation_error(error, known=StageOptions.model_fields)
                raise ValueError("; ".join(problems)) from error
        return changes

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Experiment":
        if self.stage is None:
            missing = [name for name in ("learning", "training") if getattr(self, name) is None]
            if missing:
                raise ValueError(f"{' and '.join(missing)} missing; or stage, for a variant of it")
        elif others := [name for name in _LEARNER_FIELDS if not self._is_default(name)]:
            raise ValueError(f"{', '.join(others)}: a variant of stage 1 has nothing but stage")
        return self

    def _is_default(self, name: str) -> bool:
        return bool(getattr(self, name) == type(self).model_fields[name].default)

    @property
    def plan(self) -> LearningPlan:
        """How it learns.

        Raises:
            BadInputError: If it is a variant of stage 1.
        """
        if self.learning is None or self.training is None:
            raise BadInputError(
                "a variant of stage 1 learns from the demonstrations: "
                "kedro run --pipeline=ablations --params='ablations.experiments=[NAME]'"
            )
        return LearningPlan(self.learning, self.training)

    @property
    def spec(self) -> AgentSpec:
        """Spec of its agents."""
        environment = self.environment
        return self.plan.learning.agent_spec(environment.interface, environment.engine)


class Experiments(RootModel[dict[str, Experiment]]):
    """Experiments by name.

    In configuration, ``like: NAME`` inherits all but the purpose and the beginning of
    another experiment; the other keys are changes.
    """

    @model_validator(mode="before")
    @classmethod
    def _take_over(cls, values: Any) -> Any:  # noqa: ANN401 - whatever configuration holds
        if not isinstance(values, Mapping):
            return values
        return {name: _spelt_out(values, name) for name in values}

    @model_validator(mode="after")
    def _beginnings_exist(self) -> "Experiments":
        for name, experiment in self.root.items():
            if experiment.begins_with is not None:
                self._check_beginning(name, experiment, experiment.begins_with)
        return self

    def _check_beginning(self, name: str, child: Experiment, beginning: Beginning) -> None:
        if beginning.experiment not in self.root:
            raise ValueError(
                f"{name}.begins_with.experiment = {beginning.experiment!r}: there is no such "
                f"experiment; {suggest(beginning.experiment, self.root)}"
            )
        lineage = list(self.lineage(name))
        if len(set(lineage)) < len(lineage):
            raise ValueError(f"{name}.begins_with: {' from '.join(lineage)} is a circle")
        parent = self.root[beginning.experiment]
        last = parent.plan.training.budget.steps
        if last is not None and beginning.step > last:
            raise ValueError(
                f"{name}.begins_with.step = {beginning.step}: {beginning.experiment} ends after "
                f"{last} steps"
            )
        if child.spec.identity() != parent.spec.identity():
            raise ValueError(
                f"{name}: its network or environment is not that of {beginning.experiment}, "
                "which it begins with"
            )

    def lineage(self, name: str) -> Iterator[str]:
        """Name an experiment and its ancestors, the nearest first; a repeated name is the last."""
        seen: set[str] = set()
        current: str | None = name
        while current is not None:
            yield current
            if current in seen:
                return
            seen.add(current)
            beginning = self.root[current].begins_with
            current = beginning.experiment if beginning else None

    def checkpoints(self, name: str) -> tuple[int, ...]:
        """List the steps whose checkpoints others start from."""
        beginnings = (one.begins_with for one in self.root.values())
        return tuple(sorted({one.step for one in beginnings if one and one.experiment == name}))

    def named(self, name: str) -> Experiment:
        """Look up an experiment.

        Raises:
            BadInputError: If there is none of that name; lists the known ones.
        """
        if name not in self.root:
            hint = suggest(name, self.root)
            known = "" if hint.startswith("known") else f"; known: {', '.join(self.root)}"
            raise BadInputError(
                f"experiment = {name!r}: there is no such experiment; {hint}{known}"
            )
        return self.root[name]


class Study(Options):
    """Experiments to compare, and how."""

    experiments: Annotated[tuple[str, ...], Field(min_length=1)]
    """Their names, in the table's order."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """Seeds of each experiment; the run's ``seed`` if null."""
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of the intervals."""
    resamples: PositiveInt = 5000
    """Resamples of their bootstrap."""

    def seeded(self, seed: int) -> "Study":
        """Fill in a seed if there are none."""
        return self if self.seeds else self.model_copy(update={"seeds": (seed,)})

    def keys(self, name: str) -> list[str]:
        """Name the runs of an experiment: ``experiment/seed``, one per seed."""
        return [f"{name}/{seed}" for seed in self.seeds or ()]

    @model_validator(mode="after")
    def _all_differ(self) -> "Study":
        for field in ("experiments", "seeds"):
            values = getattr(self, field) or ()
            if len(set(values)) != len(values):
                raise ValueError(f"{field} {list(values)} repeat themselves")
        return self


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Apply nested changes; an algorithm of other options replaces them all."""
    result = dict(values)
    for key, change in changes.items():
        present = result.get(key)
        if isinstance(present, Mapping) and isinstance(change, Mapping):
            algorithm = present.get("algorithm")
            if _takes_the_same(algorithm, change.get("algorithm", algorithm)):
                result[key] = merged(present, change)
                continue
        result[key] = change
    return result


def _takes_the_same(algorithm: object, other: object) -> bool:
    return algorithm == other or (
        algorithm in ALGORITHMS and ALGORITHMS[str(algorithm)] is ALGORITHMS.get(str(other))
    )


def _spelt_out(values: Mapping[str, Any], name: str, chain: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - one of values
    """Follow ``like`` to an experiment's whole configuration; ``chain`` led here."""
    chain = (*chain, name)
    if name in chain[:-1]:
        raise ValueError(f"{chain[0]}.like: {' like '.join(chain)} is a circle")
    value = values[name]
    if not isinstance(value, Mapping) or "like" not in value:
        return value
    if value["like"] not in values:
        raise ValueError(
            f"{name}.like = {value['like']!r}: there is no such experiment; "
            f"{suggest(str(value['like']), values)}"
        )
    base = _spelt_out(values, value["like"], chain)
    inherited = {key: one for key, one in base.items() if key not in _OWN}
    return merged(inherited, {key: one for key, one in value.items() if key != "like"})
