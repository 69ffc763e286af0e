"""The runner: limbs between the joints of the physics, in running kit."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.rendering.canvas import Canvas, Colour, Point
from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX, PARTS

_SKIN: Final = {"right": (236, 182, 138), "left": (192, 134, 98)}
_SHORTS: Final = {"right": (38, 48, 84), "left": (27, 34, 62)}
_SHOES: Final = {"right": (255, 196, 43), "left": (206, 152, 30)}
_SOLE: Final = (250, 250, 250)
_STRIPE: Final = (255, 255, 255)
_HAIR: Final = (58, 38, 30)
_BAND: Final = (255, 255, 255)

SHIRT: Final[Colour] = (232, 74, 63)
"""Colour of the shirt where there is one runner."""

_HALF_WIDTH: Final = {part.name: part.half_width for part in PARTS}
_JOINTS: Final = {joint.name: joint for joint in JOINTS}
_FAR, _NEAR = "left", "right"


class Pose:
    """Positions of a runner's parts and joints, from the parts' state, shape (12, 6)."""

    def __init__(self, state: NDArray[np.float64]) -> None:
        self._state = state

    def point(self, part: str, x: float, y: float) -> Point:
        """Returns the world position of a point given in a part's own frame [units]."""
        centre_x, centre_y, angle = self._state[PART_INDEX[part], :3].tolist()
        cosine, sine = math.cos(angle), math.sin(angle)
        return centre_x + cosine * x - sine * y, centre_y + sine * x + cosine * y

    def joint(self, name: str) -> Point:
        """Returns the world position of a joint [units]."""
        joint = _JOINTS[name]
        return self.point(joint.body_a, *joint.anchor_a)

    def hand(self, side: str) -> Point:
        """Returns the world position of the end of a forearm [units]."""
        elbow_x, _ = _JOINTS[f"{side}_elbow"].anchor_a
        forearm = f"{side}_forearm"
        reach = _HALF_WIDTH[forearm] - 0.3
        return self.point(forearm, -math.copysign(reach, elbow_x), 0.0)


def draw_runner(canvas: Canvas, state: NDArray[np.float64], shirt: Colour = SHIRT) -> None:
    """Draws the runner, the far limbs first, from the parts' state, shape (12, 6)."""
    pose = Pose(state)
    _draw_arm(canvas, pose, _FAR)
    _draw_leg(canvas, pose, _FAR)
    _draw_head(canvas, pose)
    _draw_torso(canvas, pose, shirt)
    _draw_leg(canvas, pose, _NEAR)
    _draw_arm(canvas, pose, _NEAR)


def _mix(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _draw_arm(canvas: Canvas, pose: Pose, side: str) -> None:
    skin = _SKIN[side]
    shoulder, elbow, hand = (
        pose.joint(f"{side}_shoulder"),
        pose.joint(f"{side}_elbow"),
        pose.hand(side),
    )
    canvas.limb(shoulder, elbow, (0.66, 0.5), skin)
    canvas.limb(elbow, hand, (0.5, 0.36), skin)
    canvas.ball(hand, 0.47, skin)


def _draw_leg(canvas: Canvas, pose: Pose, side: str) -> None:
    hip, knee = pose.joint(f"{side}_hip"), pose.joint(f"{side}_knee")
    ankle = pose.joint(f"{side}_ankle")
    _draw_shoe(canvas, pose, side)
    canvas.limb(knee, ankle, (0.72, 0.42), _SKIN[side])
    canvas.limb(ankle, _mix(ankle, knee, 0.18), (0.46, 0.46), _SOLE)
    canvas.limb(hip, knee, (1.05, 0.74), _SKIN[side])
    canvas.limb(hip, _mix(hip, knee, 0.45), (1.16, 1.0), _SHORTS[side])


def _draw_shoe(canvas: Canvas, pose: Pose, side: str) -> None:
    foot = f"{side}_foot"
    upper = ((-1.2, 0.45), (-1.25, -0.45), (-0.35, -0.7), (0.4, -0.35), (1.3, 0.05), (1.45, 0.45))
    canvas.shape([pose.point(foot, *corner) for corner in upper], _SHOES[side])
    canvas.limb(pose.point(foot, -1.1, 0.48), pose.point(foot, 1.3, 0.48), (0.2, 0.18), _SOLE)


def _draw_torso(canvas: Canvas, pose: Pose, shirt: Colour) -> None:
    canvas.limb(
        pose.point("torso", -2.1, -0.1),
        pose.point("torso", -1.2, -0.1),
        (1.2, 1.22),
        _SHORTS[_NEAR],
    )
    outline = (
        (-1.3, -1.18),
        (0.4, -1.28),
        (2.0, -1.4),
        (2.75, -0.9),
        (2.95, 0.0),
        (2.75, 0.85),
        (1.9, 1.3),
        (0.4, 1.12),
        (-1.3, 1.1),
    )
    canvas.shape([pose.point("torso", *corner) for corner in outline], shirt)
    stripe = ((0.9, -1.32), (1.35, -1.35), (1.35, 1.22), (0.9, 1.17))
    canvas.shape([pose.point("torso", *corner) for corner in stripe], _STRIPE)


def _draw_head(canvas: Canvas, pose: Pose) -> None:
    skin: Colour = _SKIN[_NEAR]
    canvas.limb(pose.point("torso", 2.5, 0.0), pose.point("head", 0.0, 0.3), (0.6, 0.55), skin)
    canvas.ball(pose.point("head", -0.12, -0.32), 1.32, _HAIR)
    canvas.ball(pose.point("head", 0.14, 0.04), 1.2, skin)
    band = ((-1.2, -0.75), (1.1, -0.75), (1.24, -0.35), (-1.3, -0.35))
    canvas.shape([pose.point("head", *corner) for corner in band], _BAND)
    nose = ((1.2, 0.0), (1.62, 0.36), (1.18, 0.45))
    canvas.shape([pose.point("head", *corner) for corner in nose], skin)
    canvas.ball(pose.point("head", 0.82, 0.0), 0.17, _HAIR)
    canvas.ball(pose.point("head", -0.25, 0.25), 0.3, _SKIN[_FAR])
