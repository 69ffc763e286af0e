"""Arrays that an environment's state is saved as, and their checks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

_HALF: Final = 1 << 64
_GENERATOR_WORDS: Final = 6


def check_alike(arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> None:
    """Checks that saved arrays have the names, shapes and types of an environment like this one.

    Raises:
        ValueError: Naming the first array that is missing, unknown or of another
            shape or type.
    """
    for name in sorted(arrays.keys() | expected.keys()):
        if name not in arrays:
            raise ValueError(f"the saved state lacks {name!r}")
        if name not in expected:
            raise ValueError(f"the saved state holds {name!r}, which this environment has not")
        array, like = arrays[name], expected[name]
        if (array.dtype, array.shape) != (like.dtype, like.shape):
            raise ValueError(
                f"the saved state's {name!r} is {array.dtype} of shape {array.shape}, "
                f"here it is {like.dtype} of shape {like.shape}"
            )


def generator_words(generators: Sequence[np.random.Generator]) -> NDArray[np.uint64]:
    """Copies the states of n generators of the kind ``PCG64``, as ``default_rng`` makes them.

    Returns:
        State and increment as two words each, then the spare half word and whether
        there is one, shape (n, 6).

    Raises:
        ValueError: If a generator is of another kind.
    """
    words = np.empty((len(generators), _GENERATOR_WORDS), dtype=np.uint64)
    for row, generator in zip(words, generators, strict=True):
        state: dict[str, Any] = dict(generator.bit_generator.state)
        if state["bit_generator"] != "PCG64":
            raise ValueError(f"a generator must be a PCG64, got a {state['bit_generator']}")
        numbers = (state["state"]["state"], state["state"]["inc"])
        halves = [half for number in numbers for half in divmod(int(number), _HALF)]
        row[:] = [*halves, int(state["uinteger"]), int(state["has_uint32"])]
    return words


def generators_from(words: NDArray[np.uint64]) -> list[np.random.Generator]:
    """Makes generators that go on from the states that ``generator_words`` returned.

    Raises:
        ValueError: If the last words are not such as a generator has.
    """
    generators = []
    for high, low, high_step, low_step, spare, has_spare in words.tolist():
        if has_spare > 1 or spare >= 1 << 32:
            raise ValueError("the saved state's generators are not in the form of a PCG64")
        generator = np.random.Generator(np.random.PCG64(0))
        generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": high * _HALF + low, "inc": high_step * _HALF + low_step},
            "has_uint32": has_spare,
            "uinteger": spare,
        }
        generators.append(generator)
    return generators
