import pytest
from pydantic import BaseModel, ValidationError

from qwop_wr.agents.schedules import BudgetClock, Schedule, TrainingBudget


def test_linear_schedule_interpolates_and_stays_within() -> None:
    schedule = Schedule.linear(0.1, 0.02)
    values = [schedule(progress) for progress in (-1.0, 0.0, 0.25, 1.0, 2.0)]
    assert values == pytest.approx([0.1, 0.1, 0.08, 0.02, 0.02])


def test_a_schedule_in_steps_changes_by_equal_factors() -> None:
    schedule = Schedule(start=8e-4, end=1e-4, shape="steps", n_steps=3)
    values = [schedule(progress) for progress in (0.0, 0.24, 0.25, 0.49, 0.5, 0.75, 1.0)]
    assert values == pytest.approx([8e-4, 8e-4, 4e-4, 4e-4, 2e-4, 1e-4, 1e-4])


def test_a_schedule_can_reach_its_end_early() -> None:
    straight = Schedule(start=0.2, end=0.0, until=0.3)
    assert [straight(done) for done in (0.0, 0.15, 0.3, 0.9)] == pytest.approx([0.2, 0.1, 0, 0])
    steps = Schedule(start=1e-3, end=1e-4, shape="steps", n_steps=1, until=0.5)
    assert [steps(done) for done in (0.2, 0.3, 0.8)] == pytest.approx([1e-3, 1e-4, 1e-4])


@pytest.mark.parametrize(
    "fields", [{"shape": "steps"}, {"n_steps": 3}, {"shape": "steps", "n_steps": 3, "end": 0.0}]
)
def test_steps_need_a_number_and_values_to_multiply(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Schedule.model_validate({"start": 1.0, "end": 0.1, **fields})


class Holder(BaseModel):
    rate: Schedule


@pytest.mark.parametrize("value", [1e-4, "1e-4", 1])
def test_a_plain_number_is_a_constant(value: object) -> None:
    # YAML reads 1e-4 as text.
    schedule = Holder.model_validate({"rate": value}).rate
    assert schedule == Schedule.constant(float(value))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["fast", {"start": 1}, {"start": -1, "end": 0}, None])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="rate"):
        Holder.model_validate({"rate": value})


def test_the_tighter_limit_counts() -> None:
    now = [100.0]
    clock = BudgetClock(TrainingBudget(steps=1000, minutes=1.0), now=lambda: now[0])
    assert clock.progress(500) == 0.5
    now[0] += 45.0
    assert clock.progress(500) == 0.75
    now[0] += 45.0
    assert clock.progress(0) == 1.0


def test_steps_alone_do_not_look_at_the_clock() -> None:
    now = [0.0]
    clock = BudgetClock(TrainingBudget(steps=10), now=lambda: now[0])
    now[0] = 1e9
    assert clock.progress(1) == 0.1


def test_a_budget_of_no_steps_is_used_up() -> None:
    assert BudgetClock(TrainingBudget(steps=0)).progress(0) == 1.0


@pytest.mark.parametrize("limits", [{}, {"steps": -1}, {"minutes": 0}, {"minutes": "inf"}])
def test_a_budget_has_a_sensible_limit(limits: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingBudget.model_validate(limits)
