"""Fixtures of the environments' tests."""

from importlib.util import find_spec

import pytest

from qwop_wr.simulator import ENGINES

AVAILABLE = [engine for engine in ENGINES if find_spec(f"qwop_wr.simulator.{engine}.simulator")]


@pytest.fixture(params=AVAILABLE)
def engine(request: pytest.FixtureRequest) -> str:
    """Every physics engine in turn."""
    return str(request.param)
