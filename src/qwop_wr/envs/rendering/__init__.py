"""Drawing games as RGB images: one runner close by, or several in lanes."""

from qwop_wr.envs.rendering.ghost import Pace
from qwop_wr.envs.rendering.overlay import Overlay
from qwop_wr.envs.rendering.race import MAX_LANES, Lane, RaceRenderer
from qwop_wr.envs.rendering.renderer import Renderer

__all__ = ["MAX_LANES", "Lane", "Overlay", "Pace", "RaceRenderer", "Renderer"]
