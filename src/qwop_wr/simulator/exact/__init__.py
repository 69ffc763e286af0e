"""The browser game's physics, bit for bit, compiled by Numba."""

from qwop_wr.simulator.exact.engine import ExactSimulator
from qwop_wr.simulator.exact.snapshot import GameSnapshot

__all__ = ["ExactSimulator", "GameSnapshot"]
