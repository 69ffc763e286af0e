"""Fixtures of the environments' tests."""

import pytest

from qwop_wr.simulator import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Every physics engine in turn."""
    return str(request.param)
