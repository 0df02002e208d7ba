"""What the post pass leaves for the row pass: factors of the terms, and where they are not 0."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..blocks import Blocks
from ..config import CoreConfig
from .layout import built, operand_rows, operand_shape, operands_layout

__all__ = ["Operands"]


class Operands(wiring.Component):
    """Factors, written by update groups and read by blocks; rows come a cycle after ``read``.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    start : In(1)
        Nothing is alive.
    write, slot, block, part, factors : In
        Write the factors of an update group: part of the lanes of a block, for one slot.
    read, row : In
        Read the factors of ``Cat(slot, block)``; if sparse projections may learn, ``rows``, an
        array of one for each lane.
    operands : Out(operands_layout(config))
        Factors read last.
    live : Out(ArrayLayout(slots, neuron_rows))
        Of each block, the slots with a factor that is not 0.
    some : Out(slots)
        The slots of which any block has one.
    """

    start: Signal
    write: Signal
    slot: Signal
    block: Signal
    part: Signal
    factors: Any
    read: Signal
    row: Signal
    rows: Any
    operands: Any
    live: Any
    some: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        block = range(config.neuron_rows)
        part = (config.groups_per_row - 1).bit_length()
        row = {"row": In(range(operand_rows(config)))}
        if learning.sparse:
            address = unsigned(ceil_log2(operand_rows(config)))
            row = {"rows": In(data.ArrayLayout(address, config.lanes))}
        super().__init__({
            "start": In(1),
            "write": In(1),
            "slot": In(range(learning.slots)),
            "block": In(block),
            "part": In(part),
            "factors": In(data.ArrayLayout(operand_shape(config), config.update_lanes)),
            "read": In(1),
            **row,
            "operands": Out(operands_layout(config)),
            "live": Out(data.ArrayLayout(learning.slots, config.neuron_rows)),
            "some": Out(learning.slots),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build a memory for each part of the lanes, and the bits of what is alive."""
        m = Module()
        width, count = operand_shape(self.config).width, self.config.update_lanes
        written = Cat(self.slot, self.block)
        # Lanes that are read together lie together.
        each = 1 if self.learning.sparse else count
        rows = []
        for lane in range(0, self.config.lanes, each):
            memory = Blocks(width * each, operand_rows(self.config))
            m.submodules[f"part{lane // each}"] = memory
            factors = self.factors.as_value()[lane % count * width :][: width * each]
            m.d.comb += [
                memory.read.eq(self.read),
                memory.read_row.eq(self.rows[lane] if self.learning.sparse else self.row),
                memory.write.eq(self.write & (self.part == lane // count)),
                memory.write_row.eq(written),
                memory.write_data.eq(factors),
            ]
            rows.append(memory.read_data)
        m.d.comb += self.operands.eq(Cat(*rows))

        # What is not 0 is remembered.
        alive = Signal(self.learning.slots)
        m.d.comb += alive.eq(Mux(self.factors.as_value().any(), 1 << self.slot, 0))
        with m.If(self.start):
            m.d.sync += [self.live.eq(0), self.some.eq(0)]
        with m.Elif(self.write):
            m.d.sync += self.some.eq(self.some | alive)
            for block in range(self.config.neuron_rows):
                with m.If(self.block == block):
                    m.d.sync += self.live[block].eq(self.live[block] | alive)
        return m
