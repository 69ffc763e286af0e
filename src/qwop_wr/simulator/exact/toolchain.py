"""Numba's extension interface, with the types that its own code does not declare."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.extending import (
    intrinsic,
    lower_builtin,
    lower_cast,
    models,
    overload,
    register_model,
)
from numba.core.typeconv.castgraph import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.core.typing.templates import signature as numba_signature

Context: TypeAlias = Any
"""Numba's typing or target context."""

Builder: TypeAlias = Any
"""llvmlite's instruction builder."""

Value: TypeAlias = Any
"""A value or a type of llvmlite."""

NumbaType: TypeAlias = Any
"""A type of Numba."""

Signature: TypeAlias = Any
"""A signature of Numba, or the types or values that fit one."""

Emitter: TypeAlias = Callable[..., Value]
"""Emits the instructions of an operation."""

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)

signature: Final[Callable[..., Signature]] = numba_signature
pointer_to: Final[Callable[[NumbaType], NumbaType]] = types.CPointer
declared: Final[Callable[..., Value]] = cgutils.get_or_insert_function
implements: Final[Callable[..., Callable[[Function], Function]]] = lower_builtin
converts: Final[Callable[..., Callable[[Function], Function]]] = lower_cast
represents: Final[Callable[[NumbaType], Callable[[Class], Class]]] = register_model
types_operator: Final[Callable[[Callable[..., object]], Callable[[Class], Class]]] = infer_global
primitive: Final[Callable[[Callable[..., Signature]], Callable[..., Any]]] = intrinsic
"""Lets compiled code call a function for which Python code emits the instructions."""

overloads: Final[Callable[..., Callable[[Function], Function]]] = overload
SAFE_CONVERSION: Final = Conversion.safe

__all__ = ["AbstractTemplate", "ir", "models", "types"]
