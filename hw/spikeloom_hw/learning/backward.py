"""Errors for presynaptic neurons: rows of weights times delta, summed, divided."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..event import INDEX_WIDTH
from .lane import product_shape
from .lane_shift import MOST_SHIFT, coarse_shift, fine_shift

__all__ = ["Backward", "error_layout"]

_ERROR_WIDTH = 17
_AT_ONCE = 4


def error_layout() -> data.StructLayout:
    """What a presynaptic neuron is given: its number in its population, and the error.

    It is saturated to a bit more than an error has, so that what it is added to saturates rightly.
    """
    return data.StructLayout({"index": INDEX_WIDTH, "value": signed(_ERROR_WIDTH)})


class Backward(wiring.Component):
    """Sum products over lanes and blocks, and divide by a power of two, rounding toward zero.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core whose errors may go backwards.

    Members
    -------
    valid : In(1)
        There are products of a block.
    products : In(ArrayLayout(product_shape(config), lanes))
        One for each lane.
    ends : In(1)
        The block is the last of its presynaptic neuron.
    index : In(20)
        Number of this.
    shift : In(range(25))
        Bits to shift the sum right; it holds still.
    o : Out(stream.Signature(error_layout(), always_ready=True))
        Errors.
    busy : Out(1)
        A block is under way, or an error.
    """

    valid: Signal
    products: Any
    ends: Signal
    index: Signal
    shift: Signal
    o: stream.Interface
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "valid": In(1),
            "products": In(data.ArrayLayout(product_shape(config), config.lanes)),
            "ends": In(1),
            "index": In(INDEX_WIDTH),
            "shift": In(range(MOST_SHIFT + 1)),
            "o": Out(stream.Signature(error_layout(), always_ready=True)),
            "busy": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the tree, the sum over blocks, and the division."""
        m = Module()
        valid, ends, index = self.valid, self.ends, self.index
        stages: list[Value] = [valid]

        def step() -> None:
            nonlocal valid, ends, index
            later = [Signal.like(value, name="later") for value in (valid, ends, index)]
            for after, before in zip(later, (valid, ends, index), strict=True):
                m.d.sync += after.eq(before)
            valid, ends, index = later
            stages.append(valid)

        # Four are summed in a cycle.
        values = [Value.cast(self.products[k]) for k in range(self.config.lanes)]
        while len(values) > 1:
            groups = [values[k : k + _AT_ONCE] for k in range(0, len(values), _AT_ONCE)]
            values = []
            for group in groups:
                parts = sum(group[1:], group[0])
                values.append(Signal(parts.shape(), name="part"))
                m.d.sync += values[-1].eq(parts)
            step()

        # Blocks are summed until the last of a neuron.
        width = len(values[0]) + (self.config.neuron_rows - 1).bit_length()
        total, fresh = Signal(signed(width)), Signal(init=1)
        with m.If(valid):
            m.d.sync += [total.eq(Mux(fresh, 0, total) + values[0]), fresh.eq(ends)]
        step()

        # A negative sum is rounded up.
        raised, coarse = Signal(signed(width + 1)), Signal(signed(_ERROR_WIDTH + 7))
        m.d.sync += [
            raised.eq(total + Mux(total < 0, ((1 << self.shift) - 1)[:MOST_SHIFT], 0)),
            coarse.eq(coarse_shift(raised, self.shift, _ERROR_WIDTH)),
            self.o.payload.value.eq(fine_shift(coarse, self.shift, _ERROR_WIDTH)),
        ]
        for _ in range(3):
            step()
        m.d.comb += [
            self.o.valid.eq(valid & ends),
            self.o.payload.index.eq(index),
            self.busy.eq(sum(stages[1:], stages[0]) != 0),
        ]
        return m
