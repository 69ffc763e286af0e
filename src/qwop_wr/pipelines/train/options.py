"""Experiments: one configuration each, with what it is to show."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, RootModel, model_validator

from qwop_wr.agents.learners.options import LearningOptions, TrainingOptions
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError, describe_validation_error, suggest
from qwop_wr.evaluation.options import EvaluationOptions

Scale = Literal["small", "full"]


class Beginning(BaseModel):
    """A checkpoint of another experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    experiment: str
    """The other experiment; it runs at the same scale."""
    step: PositiveInt
    """Its steps at the checkpoint."""


class Experiment(BaseModel):
    """One training, and why it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hypothesis: str
    """What is to be found out."""
    outcome: str | None = None
    """What came of it where it was made first."""
    source: str | None = None
    """Where that is documented, and which settings are not and are ours."""
    environment: EnvironmentOptions = EnvironmentOptions()
    """The game; not the ``environment`` that the other pipelines share."""
    n_games: int = Field(default=8, ge=1, le=4096)
    """Games played side by side."""
    bootstrap_finish: bool = True
    """Estimate the value behind a finish instead of taking 0."""
    learning: LearningOptions
    """Algorithm and its options."""
    training: TrainingOptions
    """Budget, evaluations, logging."""
    evaluation: EvaluationOptions = EvaluationOptions()
    """Protocol that the best agent is evaluated by at the end."""
    begins_with: Beginning | None = None
    """Checkpoint to begin with instead of random weights."""
    small: dict[str, Any] = {}
    """Changes that make the tendency show in less than a minute."""

    @model_validator(mode="after")
    def _small_fits(self) -> "Experiment":
        if self.small:
            try:
                self.at("small")
            except ValueError as error:
                details = getattr(error, "errors", None)
                text = "; ".join(describe_validation_error(error)) if details else str(error)  # type: ignore[arg-type]
                raise ValueError(f"small: {text}") from None
        return self

    @property
    def spec(self) -> AgentSpec:
        """Spec of its agents."""
        return self.learning.agent_spec(self.environment.interface, self.environment.engine)

    def at(self, scale: Scale) -> "Experiment":
        """Apply the changes of a scale.

        Args:
            scale: ``full`` changes nothing.

        Returns:
            The experiment at that scale, without further changes.
        """
        changes = {"small": {}, **(self.small if scale == "small" else {})}
        return Experiment.model_validate(merged(self.model_dump(), changes) | {"small": {}})


class Experiments(RootModel[dict[str, Experiment]]):
    """Experiments by name."""

    @model_validator(mode="after")
    def _beginnings_exist(self) -> "Experiments":
        for name, experiment in self.root.items():
            beginning = experiment.begins_with
            if beginning is None:
                continue
            if beginning.experiment not in self.root:
                raise ValueError(
                    f"{name}.begins_with.experiment = {beginning.experiment!r}: there is no such "
                    f"experiment; {suggest(beginning.experiment, self.root)}"
                )
            self._check_checkpoint(name)
        return self

    def _check_checkpoint(self, name: str) -> None:
        lineage = list(self.lineage(name))
        if len(set(lineage)) < len(lineage):
            raise ValueError(f"{name}.begins_with: {' from '.join(lineage)} is a circle")
        for scale in ("small", "full"):
            child = self.root[name].at(scale)
            assert child.begins_with is not None  # noqa: S101 - the caller has looked
            parent = self.root[child.begins_with.experiment].at(scale)
            last = parent.training.budget.steps
            if last is not None and child.begins_with.step > last:
                raise ValueError(
                    f"{name}.begins_with.step = {child.begins_with.step}: "
                    f"{child.begins_with.experiment} ends after {last} steps at scale {scale}"
                )
            if child.spec.identity() != parent.spec.identity():
                raise ValueError(
                    f"{name}: its network or environment is not that of "
                    f"{child.begins_with.experiment}, which it begins with, at scale {scale}"
                )

    def lineage(self, name: str) -> Iterator[str]:
        """Name an experiment and those that it begins with, the nearest first.

        Args:
            name: The experiment.

        Yields:
            Names; the first one that comes twice ends a circle.
        """
        seen: set[str] = set()
        current: str | None = name
        while current is not None:
            yield current
            if current in seen:
                return
            seen.add(current)
            beginning = self.root[current].begins_with
            current = beginning.experiment if beginning else None

    def checkpoints(self, name: str, scale: Scale) -> tuple[int, ...]:
        """Tell at which steps others begin with an experiment.

        Args:
            name: The experiment.
            scale: Scale of all.

        Returns:
            Steps in order.
        """
        beginnings = (one.at(scale).begins_with for one in self.root.values())
        return tuple(sorted({one.step for one in beginnings if one and one.experiment == name}))

    def named(self, name: str) -> Experiment:
        """Look an experiment up.

        Args:
            name: Its name.

        Returns:
            The experiment.

        Raises:
            BadInputError: If there is none of that name; tells which there are.
        """
        if not self.root:
            raise BadInputError(
                f"experiment = {name!r}: no experiments are configured here; add --env=experiments"
            )
        if name not in self.root:
            hint = suggest(name, self.root)
            known = "" if hint.startswith("known") else f"; known: {', '.join(self.root)}"
            raise BadInputError(
                f"experiment = {name!r}: there is no such experiment; {hint}{known}"
            )
        return self.root[name]


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Apply nested changes; another algorithm brings its own options.

    Args:
        values: Nested values.
        changes: Nested changes.

    Returns:
        Values with the changes.
    """
    result = dict(values)
    for key, change in changes.items():
        present = result.get(key)
        if isinstance(present, Mapping) and isinstance(change, Mapping):
            algorithm = present.get("algorithm")
            if change.get("algorithm", algorithm) == algorithm:
                result[key] = merged(present, change)
                continue
        result[key] = change
    return result
