"""The place of every number of a game.

A batch of games is three flat arrays. *Lanes* hold what the vector code
works on: the same field of eight games side by side, ``[group][field][lane]``.
*Reals* and *integers* hold the rest, game by game: the broad-phase tree, the
contacts, flags and counters. Bodies are numbered in the order of creation.

A thread has scratch memory for what the solvers keep within a tick. Its floats begin with
what has eight lanes, counted in fields; plain floats and integers are counted one by one.
"""

from typing import Final

from qwop_wr.simulator.exact.simd import LANES

# Bodies: three tiles, the block, the hurdle's base and top, twelve parts.
N_TILES: Final = 3
BLOCK: Final = 3
HURDLE_BASE: Final = 4
HURDLE_TOP: Final = 5
FIRST_DYNAMIC: Final = 4
FIRST_PART: Final = 6
N_PARTS: Final = 12
N_BODIES: Final = 18
N_JOINTS: Final = 12

# Fields of a body in the lanes.
X, Y, ANGLE, VX, VY, SPIN, SINE, COSINE, SLEEP_TIME, BODY_FIELDS = range(10)

# Fields of a joint in the lanes. The accumulated pivot, motor and limit are
# forces and torques, not impulses.
JOINTS: Final = N_BODIES * BODY_FIELDS
FORCE_X, FORCE_Y, MOTOR, LIMIT, LIMIT_STATE, MOTOR_SPEED, LOWER, UPPER, JOINT_FIELDS = range(9)

HEAD_TORQUE: Final = JOINTS + N_JOINTS * JOINT_FIELDS
PLATFORM: Final = HEAD_TORQUE + 1
"""Platform whose sine and cosine the game uses: an index of ``PLATFORMS``."""

# Boxes: lower x, lower y, upper x, upper y. The swept box holds a body before
# and after its last step, the stored box is that of its leaf.
SWEPT_BOXES: Final = PLATFORM + 1
STORED_BOXES: Final = SWEPT_BOXES + 4 * N_BODIES
STATE_FIELDS: Final = STORED_BOXES + 4 * N_BODIES
"""Fields of the lanes that a game carries from tick to tick."""

# Where a body was before the step, for the swept boxes; scratch.
BEFORE: Final = STATE_FIELDS
BEFORE_X, BEFORE_Y, BEFORE_SINE, BEFORE_COSINE, BEFORE_FIELDS = range(5)
LANE_FIELDS: Final = BEFORE + N_BODIES * BEFORE_FIELDS
GROUP_SIZE: Final = LANE_FIELDS * LANES
"""Floats of a group of eight games."""

# Limit states, kept as floats in the lanes.
INACTIVE: Final = 0.0
AT_LOWER: Final = 1.0
AT_UPPER: Final = 2.0
EQUAL: Final = 3.0

# Reals of a game.
MAX_NODES: Final = 2 * N_BODIES - 1
MAX_CONTACTS: Final = 64
NODE_BOXES: Final = 0
SCORE_TIME: Final = NODE_BOXES + 4 * MAX_NODES
SCORE: Final = SCORE_TIME + 1
CAMERA_X: Final = SCORE + 1
MANIFOLDS: Final = CAMERA_X + 1
NORMAL: Final = 0
PLANE: Final = 2
POINTS: Final = 4
NORMAL_IMPULSES: Final = 8
TANGENT_IMPULSES: Final = 10
MANIFOLD_FIELDS: Final = 12
GAME_REALS: Final = MANIFOLDS + MAX_CONTACTS * MANIFOLD_FIELDS

# Integers of a game: tree, then contacts, then rules.
PARENTS: Final = 0
FIRST_CHILDREN: Final = PARENTS + MAX_NODES
SECOND_CHILDREN: Final = FIRST_CHILDREN + MAX_NODES
NODE_BODIES: Final = SECOND_CHILDREN + MAX_NODES
LEAVES: Final = NODE_BODIES + MAX_NODES
ROOT: Final = LEAVES + N_BODIES
FREE_NODE: Final = ROOT + 1
NEXT_NODE: Final = FREE_NODE + 1
N_MOVED: Final = NEXT_NODE + 1
MOVED: Final = N_MOVED + 1
MAX_MOVED: Final = 2 * N_BODIES
AWAKE: Final = MOVED + MAX_MOVED
"""The bodies that are awake, as bits."""
PARTNERS: Final = AWAKE + 1
"""Per body, the bodies that it has a contact with, as bits."""
FLAGS: Final = PARTNERS + N_BODIES
TICKS: Final = FLAGS + 1
CALF_KEY: Final = TICKS + 1
N_CONTACTS: Final = CALF_KEY + 1
USED_CONTACTS: Final = N_CONTACTS + 1
"""Records in use, as bits."""
CONTACT_ORDER: Final = USED_CONTACTS + 1
"""Records of the contacts, oldest first."""
CONTACTS: Final = CONTACT_ORDER + MAX_CONTACTS
BODY_A: Final = 0
BODY_B: Final = 1
TOUCHING: Final = 2
FLIPPED: Final = 3
N_POINTS: Final = 4
IDS: Final = 5
CONTACT_FIELDS: Final = 7
QUERY_STACK: Final = CONTACTS + MAX_CONTACTS * CONTACT_FIELDS
"""Scratch of the tree's queries."""
GAME_INTEGERS: Final = QUERY_STACK + MAX_NODES

NONE: Final = -1
"""No node."""

PART_BITS: Final = ((1 << N_PARTS) - 1) << FIRST_PART
DYNAMIC_BITS: Final = ((1 << (N_BODIES - FIRST_DYNAMIC)) - 1) << FIRST_DYNAMIC
HURDLE_BITS: Final = DYNAMIC_BITS & ~PART_BITS

# Flags, as in the recorded runs.
FALLEN: Final = 1
JUMPED: Final = 2
LANDED: Final = 4
ENDED: Final = 8

# The workspace. Fields, eight lanes each: prepared joints, position-limit impulses, slots of
# ground contacts, and lanes set aside.
ARM_FIELDS: Final = 7
SLOT_FIELDS: Final = 35
MAX_RANKS: Final = 4
"""Contacts that one part can have, with three tiles and the block."""
MAX_SLOTS: Final = N_PARTS * MAX_RANKS
ARMS: Final = 0
ACCUMULATED: Final = ARMS + N_JOINTS * ARM_FIELDS
SLOTS: Final = ACCUMULATED + N_JOINTS
ASIDE: Final = SLOTS + MAX_SLOTS * SLOT_FIELDS

# Plain floats: constraints of contacts that are solved one by one.
CONSTRAINT_FIELDS: Final = 28
CONSTRAINTS: Final = (ASIDE + STATE_FIELDS) * LANES
WORK_REALS: Final = CONSTRAINTS + MAX_CONTACTS * CONSTRAINT_FIELDS

# Integers: the island in hand.
N_ISLAND_BODIES: Final = 0
N_ISLAND_CONTACTS: Final = 1
N_ISLAND_JOINTS: Final = 2
ISLAND_BODIES: Final = 3
# Static bodies may be found again, once per contact.
ISLAND_CONTACTS: Final = ISLAND_BODIES + N_BODIES + MAX_CONTACTS
ISLAND_JOINTS: Final = ISLAND_CONTACTS + MAX_CONTACTS
STACK: Final = ISLAND_JOINTS + N_JOINTS
"""Height of the stack, then the stack."""
SEEN_BODIES: Final = STACK + 1 + N_BODIES + MAX_CONTACTS
SEEN_CONTACTS: Final = SEEN_BODIES + 1
SEEN_JOINTS: Final = SEEN_CONTACTS + 1

# Integers: the slots in use.
N_SLOTS: Final = SEEN_JOINTS + 1
SLOT_BODIES: Final = N_SLOTS + 1
SLOT_GAMES: Final = SLOT_BODIES + MAX_SLOTS
"""Per slot, the lanes that use it, as bits."""
SLOT_RECORDS: Final = SLOT_GAMES + MAX_SLOTS
"""Per slot and lane, the contact's record."""
KNOWN_SLOTS: Final = SLOT_RECORDS + MAX_SLOTS * LANES
"""Per rank, the parts that have a slot, as bits."""
SLOT_NUMBERS: Final = KNOWN_SLOTS + MAX_RANKS
"""Per rank and part, its slot."""
WORK_INTEGERS: Final = SLOT_NUMBERS + MAX_RANKS * N_BODIES
