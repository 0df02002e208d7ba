"""Memory rows as 32-bit words: packing and unpacking of NumPy arrays by their layout."""

from collections.abc import Mapping

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

__all__ = ["pack_rows", "unpack_rows"]


def pack_rows(layout: data.Layout, columns: Mapping[str, np.ndarray] | np.ndarray) -> np.ndarray:
    """Pack rows of a memory.

    Parameters
    ----------
    layout : Layout
        Layout of one row: a struct, an array of integers, or an array of structs.
    columns : mapping of str to array, or array
        For a struct, a (rows,) int array for each member; for an array of integers, a
        (rows, elements) int array; for an array of structs, a (rows, elements) int array for
        each member.

    Returns
    -------
    (rows, words) uint32 array
        Words in the order of their addresses.
    """
    leaves = _leaves(layout)
    columns = {"": columns} if isinstance(columns, np.ndarray) else columns
    arrays = {name: np.asarray(column, np.int64) for name, column in columns.items()}
    rows = len(next(iter(arrays.values())))
    bits = np.zeros((rows, -(-Shape.cast(layout).width // 32) * 32), np.uint8)
    for name, element, offset, shape in leaves:
        column = arrays[name] if element is None else arrays[name][:, element]
        shifts = np.arange(shape.width)
        bits[:, offset : offset + shape.width] = (column[:, None] >> shifts) & 1
    return np.packbits(bits, axis=1, bitorder="little").view("<u4").astype(np.uint32)


def unpack_rows(layout: data.Layout, words: np.ndarray) -> dict[str, np.ndarray]:
    """Unpack rows of a memory; the inverse of :func:`pack_rows`.

    Parameters
    ----------
    layout : Layout
        Layout of one row.
    words : (rows, words) uint32 array
        Words in the order of their addresses.

    Returns
    -------
    dict of str to int64 array
        (rows,) or (rows, elements) arrays by member; an array of integers is the member ``""``.
    """
    raw = np.ascontiguousarray(words, "<u4").view(np.uint8)
    bits = np.unpackbits(raw, axis=1, bitorder="little")
    columns: dict[str, list[np.ndarray]] = {}
    for name, _, offset, shape in _leaves(layout):
        field = bits[:, offset : offset + shape.width].astype(np.int64)
        value = field @ (1 << np.arange(shape.width, dtype=np.int64))
        if shape.signed:
            value -= field[:, -1] << shape.width
        columns.setdefault(name, []).append(value)
    scalar = isinstance(layout, data.StructLayout)
    return {name: c[0] if scalar else np.stack(c, axis=1) for name, c in columns.items()}


def _leaves(layout: data.Layout) -> list[tuple[str, int | None, int, Shape]]:
    """Name, element, offset and shape of each integer in a row."""
    if isinstance(layout, data.ArrayLayout):
        width = Shape.cast(layout.elem_shape).width
        inner = layout.elem_shape
        members = (
            [(name, f.offset, Shape.cast(f.shape)) for name, f in inner]
            if isinstance(inner, data.StructLayout)
            else [("", 0, Shape.cast(inner))]
        )
        return [
            (name, element, element * width + offset, shape)
            for element in range(layout.length)
            for name, offset, shape in members
        ]
    return [(str(name), None, f.offset, Shape.cast(f.shape)) for name, f in layout]
