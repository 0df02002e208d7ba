"""The errors of the neurons of a core in a step: given one by one, read by groups."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..blocks import Blocks
from ..config import CoreConfig
from ..number import Signed
from .layout import ERROR

__all__ = ["GIVEN", "ErrorMemory"]

GIVEN = signed(ERROR.width + 1)
"""Shape of what a neuron is given."""


class ErrorMemory(wiring.Component):
    """Add up, with saturation, what each neuron is given; one a cycle.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core with errors.

    Members
    -------
    add : In(1)
        Add ``value`` to the error of a neuron; not in the cycle before ``read``.
    place : In
        Number of the neuron in the core: ``lanes`` of each row.
    value : In(signed(17))
        What it is given.
    read, group : In
        Read the errors of a group of the core.
    errors : Out
        Errors of the group read last, one cycle later.
    zero : In(1)
        The step is over: zero all errors, if any was given.
    zeroed : Out(1)
        That is done, or nothing was to do; from two cycles after ``zero`` on.
    clear, cleared : In
        Zero the errors of a group, if there is one of this number.
    """

    add: Signal
    place: Signal
    value: Signal
    read: Signal
    group: Signal
    errors: Any
    zero: Signal
    zeroed: Signal
    clear: Signal
    cleared: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        group = range(config.groups)
        super().__init__({
            "add": In(1),
            "place": In(range(config.neuron_rows * config.lanes)),
            "value": In(GIVEN),
            "read": In(1),
            "group": In(group),
            "errors": Out(data.ArrayLayout(ERROR, config.update_lanes)),
            "zero": In(1),
            "zeroed": Out(1),
            "clear": In(1),
            "cleared": In(32),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build a memory for each lane, and one adder for all of them."""
        m = Module()
        lane_bits = (self.config.update_lanes - 1).bit_length()
        memories = [Blocks(ERROR.width, self.config.groups) for _ in range(1 << lane_bits)]
        m.submodules += memories

        # The group is read; what was added in the cycle before is not in the memory yet.
        add, value, place = Signal(), Signal(GIVEN), Signal.like(self.place)
        follows, written, total = Signal(), Signal(ERROR), Signal(ERROR)
        group = Signal.like(self.group)
        m.d.comb += group.eq(Mux(self.add, self.place >> lane_bits, self.group))
        m.d.sync += [
            add.eq(self.add),
            value.eq(self.value),
            place.eq(self.place),
            follows.eq(add & (place == self.place)),
            written.eq(total),
        ]

        # The error of the neuron is added to, and written.
        lane = place[:lane_bits] if lane_bits else Const(0, 1)
        before = Signal(ERROR)
        wide = Signal(signed(ERROR.width + 2))
        m.d.comb += [
            before.eq(Mux(follows, written, self.errors[lane])),
            wide.eq(before + value),
            total.eq(Signed(ERROR.width).saturate(wide)),
            self.errors.eq(Cat(memory.read_data for memory in memories)),
        ]
        zeroing, zeroed = self._zero(m)
        for number, memory in enumerate(memories):
            m.d.comb += [
                memory.read.eq(self.add | self.read),
                memory.read_row.eq(group),
                memory.write.eq(zeroing | (add & (lane == number))),
                memory.write_row.eq(Mux(zeroing, zeroed, place >> lane_bits)),
                memory.write_data.eq(Mux(zeroing, 0, total)),
            ]
        return m

    def _zero(self, m: Module) -> tuple[Value, Value]:
        """Give whether errors are zeroed, and of which group."""
        groups = self.config.groups
        some, sweeps, group = Signal(init=1), Signal(), Signal(range(groups))
        with m.If(self.zero):
            m.d.sync += [sweeps.eq(some), some.eq(0), group.eq(0)]
        with m.Elif(sweeps):
            m.d.sync += [group.eq(group + 1), sweeps.eq(group != groups - 1)]
        with m.If(self.add):
            m.d.sync += some.eq(1)
        m.d.comb += self.zeroed.eq(~sweeps)
        clears = self.clear & (self.cleared < groups)
        return sweeps | clears, Mux(self.clear, self.cleared, group)
