"""The game on the Python binding of Box2D 2.3: close to the original, not exact."""

from qwop_wr.simulator.box2d.simulator import Box2DSimulator

__all__ = ["Box2DSimulator"]
