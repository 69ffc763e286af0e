"""Eight numbers as one value: the vector type in which eight games advance at once.

Numba turns scalar code into scalar instructions. To be sure of vector
instructions, this module gives it a type of its own: a ``float64x8`` is
LLVM's ``<8 x double>`` and a ``bool8`` is ``<8 x i1>``. The engine's solvers
are written once, with ordinary operators and ``select`` in place of branches,
and compile for plain floats and for eight lanes alike. Each lane performs
exactly the scalar operations, so the bits are the same.

Its first part is Numba's extension interface, with the types that Numba does not declare.
"""

import operator
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

__all__ = ["ir", "types"]

LANES: Final = 8
"""Games that share a group."""

Operator = Callable[..., object]


class Float64x8(types.Type):
    """Numba's type of eight floats; a plain number converts to eight equal ones."""

    def can_convert_from(self, typingctx: Context, other: types.Type) -> NumbaType:
        """Lets plain numbers stand where eight floats are expected."""
        return SAFE_CONVERSION if isinstance(other, types.Float | types.Integer) else None


class Bool8(types.Type):
    """Numba's type of eight truth values."""


float64x8: Final[NumbaType] = Float64x8(name="float64x8")
bool8: Final[NumbaType] = Bool8(name="bool8")

DOUBLES: Final = ir.VectorType(ir.DoubleType(), LANES)
BITS: Final = ir.VectorType(ir.IntType(1), LANES)


@represents(Float64x8)
class _Float64x8Model(models.PrimitiveModel):
    def __init__(self, manager: Context, frontend_type: NumbaType) -> None:
        super().__init__(manager, frontend_type, DOUBLES)  # type: ignore[no-untyped-call]


@represents(Bool8)
class _Bool8Model(models.PrimitiveModel):
    def __init__(self, manager: Context, frontend_type: NumbaType) -> None:
        super().__init__(manager, frontend_type, BITS)  # type: ignore[no-untyped-call]


@converts(types.Float, Float64x8)
@converts(types.Integer, Float64x8)
def _number_to_lanes(
    context: Context, builder: Builder, source: NumbaType, target: NumbaType, value: Value
) -> Value:
    scalar = context.cast(builder, value, source, types.float64)
    first = builder.insert_element(ir.Constant(DOUBLES, ir.Undefined), scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(first, ir.Constant(DOUBLES, ir.Undefined), zeros)


def _define(operation: Operator, result: NumbaType, operand: NumbaType, emitter: Emitter) -> None:
    # Binary operators also take a plain number on one side.
    @types_operator(operation)
    class _Typing(AbstractTemplate):
        def generic(self, args: Signature, kws: Signature) -> Signature:
            return signature(result, *[operand] * len(args)) if operand in args else None

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return emitter(builder, *args)

    arity = 1 if operation in (operator.neg, operator.invert) else 2
    implements(operation, *[operand] * arity)(emit)


def _comparison(symbol: str) -> Emitter:
    return lambda builder, left, right: builder.fcmp_ordered(symbol, left, right)


_define(operator.add, float64x8, float64x8, ir.IRBuilder.fadd)
_define(operator.sub, float64x8, float64x8, ir.IRBuilder.fsub)
_define(operator.mul, float64x8, float64x8, ir.IRBuilder.fmul)
_define(operator.truediv, float64x8, float64x8, ir.IRBuilder.fdiv)
_define(operator.neg, float64x8, float64x8, ir.IRBuilder.fneg)
_define(operator.lt, bool8, float64x8, _comparison("<"))
_define(operator.le, bool8, float64x8, _comparison("<="))
_define(operator.gt, bool8, float64x8, _comparison(">"))
_define(operator.ge, bool8, float64x8, _comparison(">="))
_define(operator.and_, bool8, bool8, ir.IRBuilder.and_)
_define(operator.or_, bool8, bool8, ir.IRBuilder.or_)
_define(operator.invert, bool8, bool8, ir.IRBuilder.not_)
