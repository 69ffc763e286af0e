"""What the keys do to the joints' motors and limits."""

from collections.abc import Mapping
from typing import Final

import Box2D

from qwop_wr.simulator.anatomy import CALF_SPEEDS, HIP_LIMITS, THIGH_SPEEDS
from qwop_wr.simulator.keys import O, P, Q, W

THIGH_KEYS: Final = Q | W
CALF_KEYS: Final = O | P

_DRIVEN: Final = (
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_shoulder",
    "right_shoulder",
)


class Motors:
    """The runner's motors, set only when the keys change.

    Args:
        joints: The runner's joints by name, as created.

    Attributes:
        pressed: Keys held, reduced to those that act.
        calf_key: Calf key that last set the hip limits: 0 (none yet), O or P.
    """

    def __init__(self, joints: Mapping[str, Box2D.b2RevoluteJoint]) -> None:
        self._joints = {name: joints[name] for name in _DRIVEN}
        torso = joints["left_hip"].bodyB
        self._bodies = [torso, *(joint.bodyA for joint in self._joints.values())]
        self.pressed = 0
        self.calf_key = 0

    def press(self, mask: int) -> None:
        """Hold these keys from now on.

        Args:
            mask: Keys held, reduced to those that act.
        """
        if mask == self.pressed:
            return
        resting = [body for body in self._bodies if not body.awake]
        thigh_key, calf_key = mask & THIGH_KEYS, mask & CALF_KEYS
        if thigh_key != self.pressed & THIGH_KEYS:
            self._set_speeds(THIGH_SPEEDS[thigh_key])
        if calf_key != self.pressed & CALF_KEYS:
            self._set_speeds(CALF_SPEEDS[calf_key])
        if calf_key and calf_key != self.calf_key:
            for name, limits in HIP_LIMITS[calf_key].items():
                self._joints[name].limits = limits
            self.calf_key = calf_key
        self.pressed = mask
        for body in resting:
            body.awake = False  # Stock Box2D wakes a joint's bodies here, the original does not.

    def switch_off(self) -> None:
        """Let go of all limits and motors, as the game does when it ends."""
        for joint in self._joints.values():
            joint.limitEnabled = False
            joint.motorEnabled = False

    def _set_speeds(self, speeds: Mapping[str, float]) -> None:
        for name, speed in speeds.items():
            self._joints[name].motorSpeed = speed
