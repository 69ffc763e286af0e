"""Drawing a game as an RGB image."""

from qwop_wr.envs.rendering.renderer import Renderer

__all__ = ["Renderer"]
