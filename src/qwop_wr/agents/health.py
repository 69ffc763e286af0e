"""The rule that a stage's success is held to."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class HealthOptions(BaseModel):
    """What the success of a healthy stage does not fall below."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    success_kept: float = Field(gt=0, le=1)
    """Share of the finish rate that it began to play with; the learner's last
    evaluation counts, not the best."""
    advice: str = Field(min_length=1)
    """What to do if it does."""


class HealthReport(NamedTuple):
    """Whether a learner kept its success until the end.

    Attributes:
        reference: Finish rate that it began to play with.
        final: Finish rate of its last evaluation.
        required: Least that would have been healthy.
        healthy: Whether it was.
        advice: What to do, if it was not.
    """

    reference: float
    final: float
    required: float
    healthy: bool
    advice: str | None


def check_health(options: HealthOptions, reference: float, final: float) -> HealthReport:
    """Hold a learner to its stage's rule.

    Args:
        options: The rule.
        reference: Finish rate that it began to play with.
        final: Finish rate of its last evaluation.

    Returns:
        The report.
    """
    required = options.success_kept * reference
    healthy = final >= required
    return HealthReport(reference, final, required, healthy, None if healthy else options.advice)
