"""The lane pipe: one row of weights added to one row of accumulators every cycle."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .config import CoreConfig, Walk
from .layout import Layouts

__all__ = ["LanePipe", "request_layout"]


def request_layout(config: CoreConfig) -> data.StructLayout:
    """One row of weights, and the row of accumulators that it goes to.

    If ``sparse``, ``weight_row`` is a row of synapses, which have rows and delays of their own;
    if not, only the bits that address the weights count.
    """
    members: dict[str, Any] = {
        "weight_row": range(max(config.weight_rows, config.synapse_rows)),
        "row": range(config.neuron_rows),
    }
    if config.delay_slots > 1:
        members["slot"] = range(config.delay_slots)
    if config.payload_width:
        members["value"] = signed(config.payload_width)
    if Walk.SPARSE in config.walks:
        members["sparse"] = 1
    return data.StructLayout(members)


class LanePipe(wiring.Component):
    """Read, add and write back, a request every cycle, never stalling.

    Sums wrap around, so their order does not matter; the compiler bounds them. A request may name
    the row of the one before it, or of the one before that: two forwards take the sum from the
    pipe instead of the memory, which does not hold it yet. With sparse projections, each lane has
    a row and forwards of its own.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Attributes
    ----------
    lead : int
        Cycles from the read of the weights to the read of the accumulators: 2 if weights are
        multiplied or synapses name their rows; else 1 for weights in block RAM, which is spread
        over the device, so that its memory is captured; 0 for a memory with one port.
    banked : bool
        Whether each lane has an address of its own.

    Members
    -------
    i : In(stream.Signature(request_layout(config), always_ready=True))
        Requests.
    read : Out(1)
        Read the weights of ``weight_row``.
    weight_row : Out(range(weight_rows))
        Row to read.
    weights : In(Layouts.weights)
        Weights, one cycle after ``read``; two if ``lead`` is 1.
    synapse_read : Out(1)
        Read the synapses of ``synapse_row``. These three are absent without sparse projections.
    synapse_row : Out(range(synapse_rows))
        Row to read.
    synapses : In(Layouts.synapses)
        Synapses, one cycle after ``synapse_read``.
    accumulator_read : Out(1)
        Read the accumulators, ``lead`` cycles after the request.
    accumulator_row : Out(range(accumulator_rows))
        Row to read; if banked, ``accumulator_rows``, an array of them.
    accumulators : In(Layouts.accumulators)
        Accumulators, one cycle after ``accumulator_read``.
    write : Out(1)
        Write ``sums``, two cycles after ``accumulator_read``.
    row : Out(range(accumulator_rows))
        Row to write; if banked, ``rows``, an array of them.
    sums : Out(Layouts.accumulators)
        New accumulators; 0 unless ``write``.
    touched : Out(1)
        A request that is not sparse adds to ``touched_row``.
    touched_row : Out(range(accumulator_rows))
        Slot and row of the request in ``i``.
    idle : Out(1)
        No request is under way.
    """

    i: stream.Interface
    read: Signal
    weight_row: Signal
    weights: Any
    synapse_read: Signal
    synapse_row: Signal
    synapses: Any
    accumulator_read: Signal
    accumulator_row: Signal
    accumulator_rows: Any
    accumulators: Any
    write: Signal
    row: Signal
    rows: Any
    sums: Any
    touched: Signal
    touched_row: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.layouts = layouts = Layouts(config)
        self.banked = Walk.SPARSE in config.walks
        self.lead = self.lead_of(config)
        row = range(config.accumulator_rows)
        members: dict[str, Any] = {
            "i": In(stream.Signature(request_layout(config), always_ready=True)),
            "read": Out(1),
            "weight_row": Out(range(config.weight_rows)),
            "weights": In(layouts.weights),
            "accumulator_read": Out(1),
            "accumulators": In(layouts.accumulators),
            "write": Out(1),
            "sums": Out(layouts.accumulators),
            "touched": Out(1),
            "touched_row": Out(row),
            "idle": Out(1),
        }
        if self.banked:
            rows = data.ArrayLayout(unsigned(ceil_log2(config.accumulator_rows)), config.lanes)
            members |= {"accumulator_rows": Out(rows), "rows": Out(rows)}
            members |= {
                "synapse_read": Out(1),
                "synapse_row": Out(range(config.synapse_rows)),
                "synapses": In(layouts.synapses),
            }
        else:
            members |= {"accumulator_row": Out(row), "row": Out(row)}
        super().__init__(members)

    @staticmethod
    def lead_of(config: CoreConfig) -> int:
        """``lead`` of a core that is not built."""
        if Walk.SPARSE in config.walks or config.payload_width:
            return 2
        return 1 if config.weight_ports == 2 else 0

    def elaborate(self, platform: Any) -> Module:
        """Build the pipe."""
        m = Module()
        request = self.i.payload
        sparse = request.sparse if self.banked else 0

        # The memories of weights are read as a request comes.
        m.d.comb += [
            self.read.eq(self.i.valid & ~sparse),
            self.weight_row.eq(request.weight_row),
            self.touched.eq(self.i.valid & ~sparse),
            self.touched_row.eq(self._address(request)),
        ]
        if self.banked:
            m.d.comb += [
                self.synapse_read.eq(self.i.valid & sparse),
                self.synapse_row.eq(request.weight_row),
            ]

        # They are prepared if there is a lead; then the lanes add.
        valid, addends, addresses = self.i.valid, self.weights, [self.touched_row]
        ahead: Value | int = 0
        if self.lead == 1:
            ahead, valid, addends, addresses = self._await(m)
        elif self.lead:
            ahead, valid, addends, addresses = self._prepare(m)
        busy = self._add(m, valid, addends, addresses)
        m.d.comb += self.idle.eq(~(self.i.valid | ahead | busy))

        return m

    def _await(self, m: Module) -> tuple[Value, Signal, Any, list[Value]]:
        """Wait for weights that are captured; give what :meth:`_prepare` gives."""
        valid, request = Signal(name="awaited"), Signal(request_layout(self.config))
        m.d.sync += [valid.eq(self.i.valid), request.eq(self.i.payload)]
        return valid, valid, self.weights, [self._address(request)]

    def _prepare(self, m: Module) -> tuple[Value, Signal, Any, list[Signal]]:
        """Build the stages of weights and addresses, ahead of those of the accumulators.

        Give whether a request is in them; whether one reads accumulators now; what the lanes add,
        one cycle after that; and the addresses.
        """
        # Weights and synapses are out: capture them, and know where they go.
        valid_1, valid_2 = Signal(), Signal()
        request: Any = Signal(request_layout(self.config))
        m.d.sync += [valid_1.eq(self.i.valid), request.eq(self.i.payload), valid_2.eq(valid_1)]
        weights = Signal(self.layouts.weights)
        if self.banked:
            addresses = self._select(m, request, weights)
        else:
            addresses = [Signal.like(self.row, name="address")]
            m.d.sync += [weights.eq(self.weights), addresses[0].eq(self._address(request))]

        # While the accumulators are read, the lanes multiply.
        width = self.config.weight_width + self.config.payload_width
        product = signed(min(width, self.config.accumulator_width))
        products: Any = Signal(data.ArrayLayout(product, self.config.lanes))
        lanes = range(self.config.lanes)
        if self.config.payload_width:
            factor = Signal.like(request.value, name="factor")
            m.d.sync += factor.eq(request.value)
            m.d.sync += [products[lane].eq(weights[lane] * factor) for lane in lanes]
        else:
            m.d.sync += [products[lane].eq(weights[lane]) for lane in lanes]

        return valid_1 | valid_2, valid_2, products, addresses

    def _select(self, m: Module, request: Any, weights: Any) -> list[Signal]:
        """Take a weight for each lane from the row or the synapses; give the addresses."""
        addresses = []
        for lane in range(self.config.lanes):
            synapse = self.synapses[lane]
            address = Signal.like(self.rows[lane], name=f"address_{lane}")
            own = self._address(request, synapse)
            m.d.sync += [
                weights[lane].eq(Mux(request.sparse, synapse.weight, self.weights[lane])),
                address.eq(Mux(request.sparse, own, self._address(request))),
            ]
            addresses.append(address)
        return addresses

    def _address(self, request: Any, synapse: Any = None) -> Value:
        """Row of the accumulator memory, the slot above the row, of a request or a synapse."""
        row = request.row if synapse is None else synapse.row
        if self.config.delay_slots == 1:
            return row
        delay = 0 if synapse is None else synapse.delay
        return Cat(row, (request.slot + delay)[: len(request.slot)])

    def _add(self, m: Module, valid: Value, addends: Any, addresses: list[Any]) -> Value:
        """Build the stages of the accumulators; give whether a request is in them.

        There is one address for all lanes, or one for each.
        """
        # Stage 0: the accumulators are read. No reset need reach what counts in a request alone.
        m.d.comb += self.accumulator_read.eq(valid)
        parts = range(self.config.lanes) if self.banked else [slice(None)]
        valid_1, valid_2 = Signal(), Signal()
        m.d.sync += [valid_1.eq(valid), valid_2.eq(valid_1)]
        m.d.comb += self.write.eq(valid_2)
        operands: Any = Signal(addends.shape(), reset_less=True)
        accumulators: Any = Signal(self.layouts.accumulators, reset_less=True)
        before: Any = Signal(self.layouts.accumulators, reset_less=True)
        m.d.sync += [operands.eq(addends), before.eq(self.sums)]

        # Stage 1: the operands are captured. The request ahead adds just now, the one before that
        # is written in the cycle in which this one was read: both sums are newer than the memory.
        for part, row in zip(parts, addresses, strict=True):
            follows_1, follows_2 = self._follow(m, part, row, valid_1, valid_2)
            older = Mux(follows_2, before[part], self.accumulators[part])
            m.d.sync += accumulators[part].eq(Mux(follows_1, self.sums[part], older))

        # Stage 2: every lane adds, and the sums are written; without a request they are 0.
        self._rest(m, ~valid_1, (operands, accumulators))
        for lane in range(self.config.lanes):
            m.d.comb += self.sums[lane].eq(accumulators[lane] + operands[lane])

        return valid_1 | valid_2

    def _rest(self, m: Module, rests: Value, registers: tuple[Any, ...]) -> None:
        """Zero the registers of a stage that has no request."""
        with m.If(rests):
            m.d.sync += [register.eq(0) for register in registers]

    def _follow(
        self, m: Module, part: Any, row: Value, valid_1: Signal, valid_2: Signal
    ) -> tuple[Signal, Signal]:
        """Carry an address along; give whether the one or two requests ahead have the same."""
        read, written = (
            (self.accumulator_rows[part], self.rows[part])
            if self.banked
            else (self.accumulator_row, self.row)
        )
        row_1, follows_1, follows_2 = Signal.like(row), Signal(), Signal()
        m.d.comb += read.eq(row)
        m.d.sync += [
            row_1.eq(row),
            written.eq(row_1),
            follows_1.eq(valid_1 & (row_1 == row)),
            follows_2.eq(valid_2 & (written == row)),
        ]
        return follows_1, follows_2
