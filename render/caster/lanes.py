"""Four numbers side by side in one register: the arithmetic that the kernels of rays and planes are written in.

The compiler of these kernels does not find such arithmetic in scalar code by itself. The operations are those that
every processor with 128-bit registers has (SSE, NEON); nothing here names one of them.

An index that leaves its array is not noticed by `row` and `pair`, unless numba's bounds checks are asked for
(NUMBA_BOUNDSCHECK=1), as the tests do.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import config
from numba.core.datamodel import models, register_default
from numba.core.errors import TypingError
from numba.extending import intrinsic

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FLOATS, _INTS = ir.VectorType(_FLOAT, 4), ir.VectorType(_INT, 4)
_FAST = ("contract", "reassoc", "nsz", "arcp")  # fused and reordered; NaN stays NaN


class _Lanes(types.Type):
    """Type of four float32, or of four int32."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class _Floats(_Lanes):
    pass


class _Ints(_Lanes):
    pass


FLOATS, INTS = _Floats("four float32"), _Ints("four int32")


@register_default(_Floats)
class _FloatsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)


@register_default(_Ints)
class _IntsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _INTS)


def _lane(n: int) -> ir.Constant:
    return ir.Constant(_INT, n)


def _order(*lanes: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(_INT, len(lanes)), list(lanes))


@intrinsic
def four(_: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four float32 from four numbers."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        out = ir.Constant(_FLOATS, ir.Undefined)
        for n, (value, kind) in enumerate(zip(args, signature.args, strict=True)):
            single = context.cast(builder, value, kind, types.float32)
            out = builder.insert_element(out, single, _lane(n))
        return out

    return FLOATS(a, b, c, d), make


@intrinsic
def same(_: Any, a: Any) -> Any:
    """Four times the same float32."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        single = context.cast(builder, args[0], signature.args[0], types.float32)
        first = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), single, _lane(0))
        return builder.shuffle_vector(first, ir.Constant(_FLOATS, ir.Undefined), _order(0, 0, 0, 0))

    return FLOATS(a), make


@intrinsic
def whole(_: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four int32 from four integers."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        out = ir.Constant(_INTS, ir.Undefined)
        for n, (value, kind) in enumerate(zip(args, signature.args, strict=True)):
            out = builder.insert_element(out, context.cast(builder, value, kind, types.int32), _lane(n))
        return out

    return INTS(a, b, c, d), make


def _arithmetic(name: str, on_floats: str, on_ints: str, words: str) -> Any:
    def typed(_: Any, a: Any, b: Any) -> Any:
        if a is not b or not isinstance(a, _Lanes):
            raise TypingError(f"{name} takes two of the same lanes")

        def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            if signature.args[0] is FLOATS:
                return getattr(builder, on_floats)(*args, flags=_FAST)
            return getattr(builder, on_ints)(*args)

        return a(a, b), make

    typed.__name__ = name
    typed.__doc__ = words
    return intrinsic(typed)


plus = _arithmetic("plus", "fadd", "add", "a + b, lane by lane.")
minus = _arithmetic("minus", "fsub", "sub", "a - b, lane by lane.")
times = _arithmetic("times", "fmul", "mul", "a * b, lane by lane.")


@intrinsic
def both(_: Any, a: Any, b: Any) -> Any:
    """Bitwise and of int32."""
    return INTS(a, b), lambda context, builder, signature, args: builder.and_(*args)


@intrinsic(prefer_literal=True)
def shifted(_: Any, a: Any, by: Any) -> Any:
    """int32 divided by ``2 ** by``, rounded down; `by` is a literal."""
    if not isinstance(by, types.IntegerLiteral):
        raise TypingError("shifted takes a literal")
    bits = by.literal_value

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ashr(args[0], ir.Constant(_INTS, [bits] * 4))

    return INTS(a, by), make


def _choice(name: str, comparison: str, words: str) -> Any:
    def typed(_: Any, a: Any, b: Any) -> Any:
        if a is not b or not isinstance(a, _Lanes):
            raise TypingError(f"{name} takes two of the same lanes")

        def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            if signature.args[0] is FLOATS:
                first = builder.fcmp_ordered(comparison, *args, flags=_FAST)
            else:
                first = builder.icmp_signed(comparison, *args)
            return builder.select(first, *args)

        return a(a, b), make

    typed.__name__ = name
    typed.__doc__ = words
    return intrinsic(typed)


least = _choice("least", "<", "The smaller of a and b, lane by lane.")
most = _choice("most", ">", "The greater of a and b, lane by lane.")


@intrinsic
def cut(_: Any, a: Any) -> Any:
    """float32 to int32, towards zero."""
    return INTS(a), lambda context, builder, signature, args: builder.fptosi(args[0], _INTS)


@intrinsic
def floats(_: Any, a: Any) -> Any:
    """int32 to float32."""
    return FLOATS(a), lambda context, builder, signature, args: builder.sitofp(args[0], _FLOATS)


@intrinsic(prefer_literal=True)
def get(_: Any, a: Any, n: Any) -> Any:
    """One lane; its number is a literal."""
    if not isinstance(n, types.IntegerLiteral):
        raise TypingError("get takes a literal")
    number = n.literal_value
    result = types.float32 if a is FLOATS else types.int32
    return result(a, n), lambda context, builder, signature, args: builder.extract_element(args[0], _lane(number))


@intrinsic(prefer_literal=True)
def spread(_: Any, a: Any, n: Any) -> Any:
    """One lane in all four."""
    if not isinstance(n, types.IntegerLiteral):
        raise TypingError("spread takes a literal")
    number = n.literal_value

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.shuffle_vector(args[0], args[0], _order(*[number] * 4))

    return a(a, n), make


@intrinsic
def sums(_: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """The sums of the lanes of a, of b, of c and of d."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, second, third, fourth = args

        def paired(x: Any, y: Any) -> Any:
            even = builder.shuffle_vector(x, y, _order(0, 2, 4, 6))
            odd = builder.shuffle_vector(x, y, _order(1, 3, 5, 7))
            return builder.fadd(even, odd, flags=_FAST)

        return paired(paired(first, second), paired(third, fourth))

    return FLOATS(a, b, c, d), make


@intrinsic
def lowest(_: Any, a: Any) -> Any:
    """The smallest of the first three lanes."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, y, z = (builder.extract_element(args[0], _lane(n)) for n in range(3))
        low = builder.select(builder.fcmp_ordered("<", x, y, flags=_FAST), x, y)
        return builder.select(builder.fcmp_ordered("<", low, z, flags=_FAST), low, z)

    return types.float32(a), make


def _loaded(context: Any, builder: Any, kind: Any, value: Any, index: Any, count: int) -> Any:
    """`count` neighbouring elements of a contiguous array from a flat index on, as they lie."""
    array = context.make_array(kind)(context, builder, value)
    element = context.get_data_type(kind.dtype)
    if config.BOUNDSCHECK:
        beyond = builder.icmp_signed(">", builder.add(index, ir.Constant(index.type, count)), array.nitems)
        wrong = builder.or_(beyond, builder.icmp_signed("<", index, ir.Constant(index.type, 0)))
        with builder.if_then(wrong, likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("index is out of bounds",))
    place = builder.gep(array.data, [index])
    wide = ir.VectorType(element, count)
    return builder.load(builder.bitcast(place, wide.as_pointer()), align=kind.dtype.bitwidth // 8)


def _as_floats(builder: Any, values: Any, dtype: Any, count: int) -> Any:
    if isinstance(dtype, types.Float):
        return values
    wide = ir.VectorType(_INT, count)
    wider = builder.sext(values, wide) if dtype.signed else builder.zext(values, wide)
    return builder.sitofp(wider, ir.VectorType(_FLOAT, count))


def _suits(array: Any) -> None:
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError("lanes are read from contiguous arrays")
    dtype = array.dtype
    if dtype != types.float32 and not (isinstance(dtype, types.Integer) and dtype.bitwidth <= 16):
        raise TypingError("lanes are read from float32 and from integers of up to 16 bits")


@intrinsic
def row(_: Any, array: Any, index: Any) -> Any:
    """Four neighbouring elements from a flat index on, as float32."""
    _suits(array)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index = context.cast(builder, args[1], signature.args[1], types.int64)
        values = _loaded(context, builder, signature.args[0], args[0], index, 4)
        return _as_floats(builder, values, signature.args[0].dtype, 4)

    return FLOATS(array, index), make


@intrinsic
def pair(_: Any, array: Any, first: Any, second: Any) -> Any:
    """Two neighbouring elements from one flat index on, and two from another, as float32."""
    _suits(array)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        at = [context.cast(builder, args[n], signature.args[n], types.int64) for n in (1, 2)]
        parts = [_loaded(context, builder, kind, args[0], index, 2) for index in at]
        values = builder.shuffle_vector(parts[0], parts[1], _order(0, 1, 2, 3))
        return _as_floats(builder, values, kind.dtype, 4)

    return FLOATS(array, first, second), make


@intrinsic
def halves(_: Any, a: Any) -> Any:
    """Lanes 2 and 3 moved to 0 and 1."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.shuffle_vector(args[0], args[0], _order(2, 3, 2, 3))

    return FLOATS(a), make
