"""Eight numbers as one value: the vector type in which eight games advance at once.

Numba turns scalar code into scalar instructions. To be sure of vector
instructions, this module gives it a type of its own: a ``float64x8`` is
LLVM's ``<8 x double>`` and a ``bool8`` is ``<8 x i1>``. The engine's solvers
are written once, with ordinary operators and :func:`select` in place of
branches, and compile for plain floats and for eight lanes alike. Each lane
performs exactly the scalar operations, so the bits are the same.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.extending import lower_builtin, lower_cast, models, register_model
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

LANES = 8
"""Games that share a group."""


class Float64x8(types.Type):
    """Numba's type of eight floats; a plain number converts to eight equal ones."""

    def __init__(self) -> None:
        super().__init__(name="float64x8")

    def can_convert_from(self, typingctx: Any, other: types.Type) -> Any:
        """Let plain numbers stand where eight floats are asked for."""
        return (
            Conversion.safe if isinstance(other, types.Float | types.Integer) else None
        )


class Bool8(types.Type):
    """Numba's type of eight truth values."""

    def __init__(self) -> None:
        super().__init__(name="bool8")


float64x8 = Float64x8()
bool8 = Bool8()

DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
BITS = ir.VectorType(ir.IntType(1), LANES)


@register_model(Float64x8)
class _Float64x8Model(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend_type: types.Type) -> None:
        super().__init__(manager, frontend_type, DOUBLES)


@register_model(Bool8)
class _Bool8Model(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend_type: types.Type) -> None:
        super().__init__(manager, frontend_type, BITS)


@lower_cast(types.Float, Float64x8)
@lower_cast(types.Integer, Float64x8)
def _number_to_lanes(
    context: Any, builder: Any, source: types.Type, target: types.Type, value: Any
) -> Any:
    scalar = context.cast(builder, value, source, types.float64)
    first = builder.insert_element(
        ir.Constant(DOUBLES, ir.Undefined), scalar, ir.IntType(32)(0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(first, ir.Constant(DOUBLES, ir.Undefined), zeros)


def _binary(operation: Any, result: types.Type, operand: types.Type) -> None:
    @infer_global(operation)
    class _Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            del kws
            if len(args) == 2 and operand in args:
                return signature(result, operand, operand)
            return None


def _unary(operation: Any, operand: types.Type) -> None:
    @infer_global(operation)
    class _Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            del kws
            return signature(operand, operand) if args == (operand,) else None


def _lower(operation: Any, emit: Callable[..., Any], *operands: types.Type) -> None:
    @lower_builtin(operation, *operands)
    def _emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        del context, sig
        return emit(builder, *args)


def _comparison(symbol: str) -> Callable[..., Any]:
    return lambda builder, left, right: builder.fcmp_ordered(symbol, left, right)


def _define_operators() -> None:
    arithmetic = {
        operator.add: ir.IRBuilder.fadd,
        operator.sub: ir.IRBuilder.fsub,
        operator.mul: ir.IRBuilder.fmul,
        operator.truediv: ir.IRBuilder.fdiv,
    }
    for operation, emit in arithmetic.items():
        _binary(operation, float64x8, float64x8)
        _lower(operation, emit, float64x8, float64x8)
    comparisons = {
        operator.lt: "<",
        operator.le: "<=",
        operator.gt: ">",
        operator.ge: ">=",
    }
    for comparison, symbol in comparisons.items():
        _binary(comparison, bool8, float64x8)
        _lower(comparison, _comparison(symbol), float64x8, float64x8)
    for logic, emit in {
        operator.and_: ir.IRBuilder.and_,
        operator.or_: ir.IRBuilder.or_,
    }.items():
        _binary(logic, bool8, bool8)
        _lower(logic, emit, bool8, bool8)
    _unary(operator.neg, float64x8)
    _lower(operator.neg, ir.IRBuilder.fneg, float64x8)
    _unary(operator.invert, bool8)
    _lower(operator.invert, ir.IRBuilder.not_, bool8)


_define_operators()
