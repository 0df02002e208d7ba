"""The pre pass: over the presynaptic neurons of a plastic projection, to those that learn."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from .kinds import Pre
from .layout import MODULATOR, built, pre_layout, rule_layout
from .port import RowPort
from .pre_pass_trace import TraceLane
from .row_pass_bits import numbered, picked, several
from .row_pass_walk import term_field, visit_layout

__all__ = ["PrePass"]


class PrePass(wiring.Component):
    """Update the traces of a row of neurons a cycle, and give the neurons that have a term.

    A row of which no neuron has one takes a cycle; any other, a cycle for each that has.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    start : In(1)
        Begin.
    backwards : In(1)
        With ``start``: give every neuron for its error, and leave traces and spikes alone; absent
        unless errors may go backwards.
    sweeps : In(1)
        With ``start``: give every neuron, with its first term, and leave traces and spikes alone;
        absent unless there may be eligibilities.
    rule : In(rule_layout(config))
        The rule. This and the modulator hold still from ``start`` on until it is done.
    modulator : In(MODULATOR)
        Of the step.
    traces : Out(RowPort)
        Memory of traces; a row comes a cycle after it was read, and stays. Absent if there are
        none.
    spike_read, spike_row : Out
        Read which neurons of the row fired.
    spikes : In(pre_lanes)
        Those of the row read last, one cycle later.
    o : Out(stream.Signature(visit_layout(config)))
        Neurons that have a term, ascending.
    busy : Out(1)
        From the cycle after ``start`` on until the last neuron is taken.
    """

    start: Signal
    backwards: Signal
    sweeps: Signal
    rule: Any
    modulator: Signal
    traces: Any
    spike_read: Signal
    spike_row: Signal
    spikes: Signal
    o: stream.Interface
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        members: dict[str, Any] = {
            "start": In(1),
            "rule": In(rule_layout(config)),
            "modulator": In(MODULATOR),
            "spike_read": Out(1),
            "spike_row": Out(range(learning.pre_rows)),
            "spikes": In(learning.pre_lanes),
            "o": Out(stream.Signature(visit_layout(config))),
            "busy": Out(1),
        }
        if learning.back:
            members["backwards"] = In(1)
        if learning.eligibility:
            members["sweeps"] = In(1)
        if learning.pre_traces:
            members["traces"] = Out(RowPort(pre_layout(config), learning.pre_rows))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Build the stages: read, capture, multiply, add, tell who has a term, and give them."""
        m = Module()
        learning, rule = self.learning, self.rule
        moves, backwards, sweeps = Signal(), Signal(), Signal()
        with m.If(self.start):
            if learning.back:
                m.d.sync += backwards.eq(self.backwards)
            if learning.eligibility:
                m.d.sync += sweeps.eq(self.sweeps)
        every = backwards | sweeps

        # A row is read in each cycle, unless the last stage has to wait.
        reading, row = Signal(), Signal(range(learning.pre_rows))
        last = row == rule.last_pre
        with m.If(self.start):
            m.d.sync += [reading.eq(1), row.eq(0)]
        with m.Elif(moves & reading):
            m.d.sync += [reading.eq(~last), row.eq(row + 1)]
        valid, rows = [reading], [(rule.pre_row + row)[: len(row)]]
        for stage in range(1, 5):
            valid.append(Signal(name=f"valid_{stage}"))
            rows.append(Signal.like(row, name=f"row_{stage}"))
            with m.If(moves):
                m.d.sync += [valid[-1].eq(valid[-2]), rows[-1].eq(rows[-2])]
        reads = reading & moves & ~every
        m.d.comb += [self.spike_read.eq(reads), self.spike_row.eq(rows[0])]

        # Traces are updated three cycles after they came.
        fired = [self.spikes & (~every).replicate(learning.pre_lanes)]
        for stage in range(2, 5):
            fired.append(Signal(learning.pre_lanes, name=f"fired_{stage}"))
            with m.If(moves):
                m.d.sync += fired[-1].eq(fired[-2])
        operands = data.ArrayLayout(unsigned(learning.operand_width), learning.pre_traces)
        seen: Any = Signal(data.ArrayLayout(operands, learning.pre_lanes))
        if learning.pre_traces:
            m.d.comb += [
                self.traces.read.eq(reads),
                self.traces.read_row.eq(rows[0]),
                self.traces.write.eq(valid[4] & moves & ~every),
                self.traces.write_row.eq(rows[4]),
            ]
            self._trace(m, moves, fired[2], seen)

        waits = self._give(m, moves, (valid[4], fired[3], seen), (backwards, sweeps))
        m.d.comb += self.busy.eq(Cat(valid).any() | waits)

        return m

    def _trace(self, m: Module, moves: Signal, fired: Value, seen: Any) -> None:
        """Update every trace of a row."""
        for lane in range(self.learning.pre_lanes):
            for n in range(self.learning.pre_traces):
                name = f"x{n + 1}"
                part = TraceLane(self.learning.operand_width)
                m.submodules[f"lane{lane}_{name}"] = part
                m.d.comb += [
                    part.moves.eq(moves),
                    part.trace.eq(self.traces.read_data[lane][name]),
                    part.fired.eq(fired[lane]),
                    *(
                        getattr(part, field).eq(self.rule[f"{name}_{field}"])
                        for field in ("decay", "increment", "kind", "seen")
                    ),
                    self.traces.write_data[lane][name].eq(part.next_trace),
                    seen[lane][n].eq(part.operand),
                ]

    def _live(self, fired: Value, operands: Any) -> Value:
        """Which terms of a neuron have a presynaptic factor that is not 0."""
        some = [Const(1), *(operands[n].any() for n in range(self.learning.pre_traces))]
        bits = []
        for pre, on_pre, modulated, coefficient in zip(
            *(
                term_field(self.config, self.rule, name)
                for name in ("pre", "on_pre", "modulated", "coefficient")
            ),
            strict=True,
        ):
            scaled = Mux(modulated, self.modulator.any(), coefficient.any())
            there = Cat((pre == kind) & part for kind, part in zip(Pre, some, strict=False)).any()
            bits.append(scaled & there & (fired | ~on_pre))
        return Cat(bits)

    def _arriving(self, m: Module, enters: Value) -> tuple[Signal, Signal, Signal]:
        """Give the first row of weights and the number of a row that comes, and who is left."""
        rule, count = self.rule, self.learning.pre_lanes
        base, number = Signal.like(rule.weight_row), Signal.like(self.spike_row)
        left = Signal.like(rule.size)
        with m.If(self.start):
            m.d.sync += [base.eq(rule.weight_row), number.eq(0), left.eq(rule.size)]
            if self.learning.back:
                with m.If(self.backwards):
                    m.d.sync += base.eq(rule.back_row)
        with m.Elif(enters):
            m.d.sync += [
                base.eq(base + (rule.blocks << (count - 1).bit_length())),
                number.eq(number + 1),
                left.eq(left - count),
            ]
        return base, number, left

    def _give(self, m: Module, moves: Signal, row: tuple[Value, Value, Any], every: Any) -> Value:
        """Hold a row until all its neurons that have a term are given; tell whether it does."""
        learning, count = self.learning, self.learning.pre_lanes
        (valid, fired, seen), (backwards, sweeps) = row, every
        base, number, left = self._arriving(m, moves & valid)
        bits = (count - 1).bit_length()

        # A row comes in when the last of the one before goes.
        held: Any = Signal(self.o.payload.shape())
        todo, rest, chosen = (Signal(count, name=name) for name in ("todo", "rest", "chosen"))
        operands, live = Signal.like(seen), Signal(data.ArrayLayout(learning.terms, count))
        with m.If(moves):
            m.d.sync += [held.weight_row.eq(base), held.index.eq(number << bits), operands.eq(seen)]
            for lane in range(count):
                terms = self._live(fired[lane], seen[lane]) & (~backwards).replicate(learning.terms)
                wanted = terms.any() | backwards | sweeps
                m.d.sync += [
                    live[lane].eq(Mux(sweeps, 1, terms)),
                    todo[lane].eq(valid & wanted & (left > lane)),
                ]
        with m.Elif(self.o.ready):
            m.d.sync += todo.eq(rest)

        # Neurons are given in their order.
        place, skipped = Signal(bits), Signal.like(base)
        m.d.comb += [
            rest.eq(todo & (todo - 1)),
            chosen.eq(todo & ~rest),
            moves.eq(~several(todo) & (self.o.ready | (todo == 0))),
            place.eq(numbered(chosen)),
            skipped.eq(sum(Mux(bit, self.rule.blocks << k, 0) for k, bit in enumerate(place))),
            self.o.valid.eq(todo != 0),
            self.o.payload.index.eq(held.index | place),
            self.o.payload.weight_row.eq(held.weight_row + skipped),
            self.o.payload.operands.eq(picked(chosen, [operands[k] for k in range(count)])),
            self.o.payload.live.eq(picked(chosen, [live[k] for k in range(count)])),
        ]
        if learning.back:
            m.d.comb += self.o.payload.back.eq(backwards)
        return todo.any()
