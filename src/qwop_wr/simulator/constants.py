"""The world's constants: units, clock, ground and the neck's controller.

Lengths are in world units (10 units are one displayed metre, 20 pixels are one
unit), angles in radians. x points to the right and y points **down**. Every
number was read out of the running browser game.
"""

from typing import Final

UNITS_PER_METRE: Final = 10.0
"""World units in one displayed metre."""

PIXELS_PER_UNIT: Final = 20.0
"""Screen pixels in one world unit."""

GRAVITY: Final = 10.0
"""Downward acceleration [units / s^2]."""

TIME_STEP: Final = 0.04
"""Simulated time of one tick [s]; the clock shows only :data:`CLOCK_STEP`."""

CLOCK_STEP: Final = 1.0 / 30.0
"""Displayed time of one tick [s]."""

VELOCITY_ITERATIONS: Final = 5
POSITION_ITERATIONS: Final = 5

LINEAR_SLOP: Final = 0.005
"""Box2D's tolerance of lengths [units]."""

GROUND_Y: Final = 9.14275
"""Height of the running surface [units]."""

TILE_WIDTH: Final = 32.0
"""Width of a ground tile [units], one screen."""

HEAD_TORQUE_GAIN: Final = -4.0
"""Torque added to the head each tick per radian of :data:`HEAD_TORQUE_OFFSET` error."""

HEAD_TORQUE_OFFSET: Final = 0.2
"""Angle added to the head's before the gain applies [rad]."""

START_CAMERA_PX: Final = -14.0 * PIXELS_PER_UNIT
"""Camera after a reset [pixels]."""

FRESH_PAGE_CAMERA_PX: Final = -200.0
"""Camera while a fresh page creates its world [pixels]."""

CAMERA_LEAD: Final = 14.0
"""Distance from the torso back to the camera [units]."""

CAMERA_CEILING: Final = -5.0
"""Torso height above (that is, below in value) which the camera stops following [units]."""

JUMP_LINE_PX: Final = 19780.0
"""A left foot that lands beyond has jumped off for the sand pit [pixels]."""

SAND_PIT_PX: Final = 20000.0
"""Position of the sand pit, and with it of the finish [pixels]."""

TRACK_LENGTH: Final = SAND_PIT_PX / PIXELS_PER_UNIT / UNITS_PER_METRE
"""Distance from the start to the sand pit [m]: 100."""

HURDLE_PX: Final = 10000.0
"""Position of the hurdle [pixels]."""
