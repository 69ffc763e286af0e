"""The vector type: each lane is computed as a float of its own, and by vector instructions."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qwop_wr.simulator.exact.primitives import (
    Pointer,
    Whole,
    absolute,
    bits_of,
    get,
    pointer,
    put,
    quartered,
    rounded_down,
    select,
    square_root,
    truth_of,
    vector_pointer,
)
from qwop_wr.simulator.exact.simd import LANES

Floats = NDArray[np.float64]


@njit(error_model="numpy")
def mixture(lanes: Pointer, bits: int) -> Whole:
    a, b = get(lanes, 0), get(lanes, 1)
    total = (a + b * 3.0 - 1 / (b - a)) * (2.0 * a) - -b
    total = select((a < b) & ~(total > 0.5) | (b >= 1.0), square_root(absolute(total)), total)
    total = select(truth_of(lanes, bits), rounded_down(total), quartered(total))
    put(lanes, 2, total)
    put(lanes, 3, 7.0)
    return bits_of((total <= 0.0) | (a <= b))


@njit(error_model="numpy")
def in_lanes(fields: Floats, bits: int) -> Whole:
    return mixture(vector_pointer(fields, 0), bits)


@njit(error_model="numpy")
def one_by_one(fields: Floats, bits: int) -> int:
    result = 0
    for lane in range(LANES):
        result |= mixture(pointer(fields, lane), (bits >> lane) & 1) << lane
    return result


def test_lanes_equal_floats() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        fields = rng.normal(size=4 * LANES)
        other = fields.copy()
        bits = int(rng.integers(0, 256))
        assert in_lanes(fields, bits) == one_by_one(other, bits)
        assert fields.tobytes() == other.tobytes()
        assert (fields[3 * LANES :] == 7.0).all()


def test_lanes_are_vectors_in_the_code() -> None:
    fields = np.zeros(4 * LANES)
    in_lanes(fields, 0)
    for code in in_lanes.inspect_llvm().values():
        assert "fmul <8 x double>" in code
        assert "call <8 x double> @llvm.sqrt.v8f64" in code


def test_nothing_is_contracted_or_reassociated() -> None:
    in_lanes(np.zeros(4 * LANES), 0)
    for code in in_lanes.inspect_llvm().values():
        assert "llvm.fma" not in code
        assert "fast" not in [word for line in code.splitlines() for word in line.split()[:6]]
