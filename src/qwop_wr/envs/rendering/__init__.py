"""Drawing games as RGB images: one runner close by, or several in lanes."""

from qwop_wr.envs.rendering.display import Overlay, Pace
from qwop_wr.envs.rendering.renderer import MAX_LANES, Lane, draw_game, draw_race

__all__ = ["MAX_LANES", "Lane", "Overlay", "Pace", "draw_game", "draw_race"]
