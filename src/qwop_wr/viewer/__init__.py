"""The player: runs drawn on a canvas, inside one self-contained HTML page."""

from qwop_wr.viewer.film import Film, shoot_film
from qwop_wr.viewer.player import Player, render_player

__all__ = ["Film", "Player", "render_player", "shoot_film"]
