"""A clock that is set back or forward ends nothing early and keeps nothing going."""

import datetime
import time
from collections.abc import Iterator

import pytest

from qwop_wr.agents.schedules import BudgetClock, TrainingBudget
from qwop_wr.search.options import WorkClock


@pytest.fixture(params=[-86_400.0, 86_400.0])
def jumping_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let the time of day jump by a day whenever it is asked for; count how often it is."""
    asked = [0]
    real = time.time()

    def jumping() -> float:
        asked[0] += 1
        return real + float(request.param) * asked[0]

    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumping() * 1e9))
    assert datetime.datetime.now() is not None
    yield asked[0]
    assert asked[0] == 0, "a budget asked for the time of day"


@pytest.mark.usefixtures("jumping_clock")
def test_budgets_of_trainings() -> None:
    clock = BudgetClock(TrainingBudget(minutes=60))
    readings = [clock.seconds for _ in range(100)]
    assert readings == sorted(readings)
    assert 0 <= readings[0] <= readings[-1] < 60
    assert 0 <= clock.progress(0) < 1


@pytest.mark.usefixtures("jumping_clock")
def test_budgets_of_searches() -> None:
    work = WorkClock()
    readings = [work.seconds for _ in range(100)]
    assert readings == sorted(readings)
    assert readings[-1] < 3600
