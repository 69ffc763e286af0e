"""The browser game's physics, bit for bit, compiled by Numba.

Kernels share the names of their arguments. ``lane`` points at the lane of one game, or of
eight where a kernel takes both; ``reals`` and ``integers`` at the rest of a game's memory
(see ``layout``); ``work`` and ``found`` at a thread's scratch floats and integers. A ``body``
or joint is given by its number in the order of creation, a ``contact``, ``manifold``,
``constraint`` or ``slot`` by the offset of its first field. Sets of games or bodies are
integers whose bit i stands for number i.
"""

from qwop_wr.simulator.exact.engine import ExactSimulator

__all__ = ["ExactSimulator"]
