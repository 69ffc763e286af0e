"""Operations that floats and eight lanes share: memory, selection, square root.

The engine's memory is addressed through bare pointers: no bounds, no
reference counts, no negative indices. A pointer's type decides how a field is
read. Through a pointer to floats, :func:`get` reads the field of one lane;
through a pointer to ``float64x8`` it reads the same field of eight lanes.
"""

from typing import Any, Final, TypeAlias

from qwop_wr.simulator.exact.simd import (
    BITS,
    DOUBLES,
    LANES,
    Builder,
    Context,
    NumbaType,
    Signature,
    Value,
    bool8,
    declared,
    float64x8,
    ir,
    pointer_to,
    primitive,
    signature,
    types,
)

Pointer: TypeAlias = Any
"""A pointer to floats, to ``float64x8`` or to integers."""

Real: TypeAlias = Any
"""A float, or eight of them."""

Whole: TypeAlias = Any
"""An integer that was read through a pointer."""

Truth: TypeAlias = Any
"""A truth value, or eight of them."""


_WORDS: Final = ir.VectorType(ir.IntType(64), LANES)
_FLOATS: Final = pointer_to(types.float64)
_VECTORS: Final = pointer_to(float64x8)


def _address(
    context: Context, builder: Builder, array_type: NumbaType, array: Value, place: Value
) -> Value:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [place])


@primitive
def pointer(typingctx: Context, array: NumbaType, offset: NumbaType) -> Signature:
    """Returns a pointer to element ``offset`` of a flat array."""
    result = pointer_to(array.dtype)

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return _address(context, builder, sig.args[0], args[0], args[1])

    return signature(result, array, types.intp), emit


@primitive
def vector_pointer(typingctx: Context, array: NumbaType, offset: NumbaType) -> Signature:
    """Returns a pointer to eight lanes from element ``offset`` of a flat array of floats."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        address = _address(context, builder, sig.args[0], args[0], args[1])
        return builder.bitcast(address, DOUBLES.as_pointer())

    return signature(_VECTORS, array, types.intp), emit


@primitive
def lane_of(typingctx: Context, vectors: NumbaType, lane: NumbaType) -> Signature:
    """Returns a pointer to one of the lanes of a vector pointer."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        first = builder.bitcast(args[0], ir.DoubleType().as_pointer())
        return builder.gep(first, [args[1]])

    return signature(_FLOATS, _VECTORS, types.intp), emit


@primitive
def offset(typingctx: Context, place: NumbaType, numbers: NumbaType) -> Signature:
    """Returns a pointer some plain numbers further on."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return builder.gep(args[0], [args[1]])

    return signature(place, place, types.intp), emit


@primitive
def moved(typingctx: Context, lanes: NumbaType, fields: NumbaType) -> Signature:
    """Returns a pointer of the same kind some fields further on."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        index = args[1]
        if sig.return_type == _FLOATS:
            index = builder.mul(index, ir.Constant(index.type, LANES))
        return builder.gep(args[0], [index])

    return signature(lanes, lanes, types.intp), emit


@primitive
def get(typingctx: Context, lanes: NumbaType, field: NumbaType) -> Signature:
    """Reads a field: of one lane through floats, of eight through vectors."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        place, index = args
        if sig.args[0] == _FLOATS:
            index = builder.mul(index, ir.Constant(index.type, LANES))
        return builder.load(builder.gep(place, [index]), align=8)

    return signature(lanes.dtype, lanes, types.intp), emit


@primitive
def put(typingctx: Context, lanes: NumbaType, field: NumbaType, value: NumbaType) -> Signature:
    """Writes a field: of one lane through floats, of eight through vectors."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        place, index, number = args
        if sig.args[0] == _FLOATS:
            index = builder.mul(index, ir.Constant(index.type, LANES))
        builder.store(number, builder.gep(place, [index]), align=8)
        return context.get_dummy_value()

    return signature(types.void, lanes, types.intp, lanes.dtype), emit


@primitive
def select(
    typingctx: Context, condition: NumbaType, chosen: NumbaType, other: NumbaType
) -> Signature:
    """Chooses ``chosen`` where the condition holds, else ``other``; both are evaluated."""
    number = float64x8 if condition == bool8 else types.float64

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return builder.select(*args)

    return signature(number, condition, number, number), emit


def _llvm_function(name: str, *numbers: NumbaType) -> Signature:
    result = float64x8 if float64x8 in numbers else types.float64

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        kind = args[0].type
        suffix = "v8f64" if kind == DOUBLES else "f64"
        function_type = ir.FunctionType(kind, [kind] * len(args))
        function = declared(builder.module, function_type, f"llvm.{name}.{suffix}")
        return builder.call(function, args)

    return signature(result, *[result] * len(numbers)), emit


@primitive
def square_root(typingctx: Context, number: NumbaType) -> Signature:
    """Returns the correctly rounded square root."""
    return _llvm_function("sqrt", number)


@primitive
def absolute(typingctx: Context, number: NumbaType) -> Signature:
    """Returns the absolute value."""
    return _llvm_function("fabs", number)


@primitive
def rounded_down(typingctx: Context, number: NumbaType) -> Signature:
    """Returns the largest integer that is not greater, as a float."""
    return _llvm_function("floor", number)


@primitive
def fused(typingctx: Context, factor: NumbaType, other: NumbaType, summand: NumbaType) -> Signature:
    """Returns ``factor * other + summand``, rounded once; for pairs of floats only."""
    return _llvm_function("fma", factor, other, summand)


@primitive
def with_sign_of(typingctx: Context, number: NumbaType, other: NumbaType) -> Signature:
    """Returns the size of one number with the sign of another, that of a zero included."""
    return _llvm_function("copysign", number, other)


@primitive
def quartered(typingctx: Context, number: NumbaType) -> Signature:
    """Returns a quarter of a number below 1 without its last 32 bits, as in fdlibm's cosine."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        words = _WORDS if args[0].type == DOUBLES else ir.IntType(64)

        def constant(value: int) -> Value:
            return ir.Constant(words, [value] * LANES if words == _WORDS else value)

        high = builder.and_(builder.bitcast(args[0], words), constant(0x7FFFFFFF << 32))
        return builder.bitcast(builder.sub(high, constant(0x00200000 << 32)), args[0].type)

    return signature(number, number), emit


@primitive
def bits_of(typingctx: Context, truth: NumbaType) -> Signature:
    """Returns the lanes that hold, as an integer: lane i is bit i."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        packed = args[0]
        if packed.type == BITS:
            packed = builder.bitcast(packed, ir.IntType(LANES))
        return builder.zext(packed, ir.IntType(64))

    return signature(types.int64, truth), emit


@primitive
def truth_of(typingctx: Context, lanes: NumbaType, bits: NumbaType) -> Signature:
    """Reverses :func:`bits_of`, in the kind that fits a pointer's numbers."""
    result = bool8 if lanes == _VECTORS else types.boolean

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        if sig.return_type == bool8:
            return builder.bitcast(builder.trunc(args[1], ir.IntType(LANES)), BITS)
        return builder.trunc(args[1], ir.IntType(1))

    return signature(result, lanes, types.int64), emit


@primitive
def width(typingctx: Context, number: NumbaType) -> Signature:
    """Returns how many floats a number stands for: 1 or 8."""
    lanes = LANES if number == float64x8 else 1

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return ir.Constant(ir.IntType(64), lanes)

    return signature(types.int64, number), emit


@primitive
def element(typingctx: Context, number: NumbaType, lane: NumbaType) -> Signature:
    """Returns one lane of a number; a plain float has but one."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        return builder.extract_element(*args) if args[0].type == DOUBLES else args[0]

    return signature(types.float64, number, types.int64), emit


@primitive
def with_element(
    typingctx: Context, number: NumbaType, lane: NumbaType, value: NumbaType
) -> Signature:
    """Returns a number with one lane replaced."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        number_, lane_, value_ = args
        if number_.type == DOUBLES:
            return builder.insert_element(number_, value_, lane_)
        return value_

    return signature(number, number, types.int64, types.float64), emit


@primitive
def pair(typingctx: Context, first: NumbaType, second: NumbaType) -> Signature:
    """Returns eight lanes: the two given, and zeros."""

    def emit(context: Context, builder: Builder, sig: Signature, args: Signature) -> Value:
        lanes = ir.Constant(DOUBLES, [0.0] * LANES)
        for place, number in enumerate(args):
            lanes = builder.insert_element(lanes, number, ir.IntType(64)(place))
        return lanes

    return signature(float64x8, first, second), emit
