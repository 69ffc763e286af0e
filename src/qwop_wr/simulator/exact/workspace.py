"""Scratch memory of a thread: what the solvers keep within a tick.

Floats begin with what has eight lanes, counted in fields; plain floats and
integers are counted one by one.
"""

from typing import Final

from qwop_wr.simulator.exact.layout import MAX_CONTACTS, N_BODIES, N_JOINTS, N_PARTS, STATE_FIELDS
from qwop_wr.simulator.exact.simd import LANES

# Fields, eight lanes each: prepared joints, position-limit impulses, slots of
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
