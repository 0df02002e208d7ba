"""The pipeline of the update: from a group that is read to its new state and what it sends."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..layout import Layouts, winner_layout
from ..neuron import FIELDS, Constant, NeuronLane, Output, Per
from ..neuron.noise import WORD_WIDTH
from .streams import spikes_layout, values_layout

__all__ = ["Pipeline", "field_of", "offset_of"]


def field_of(config: CoreConfig, descriptor: Any, name: str) -> Value:
    """A field of a population, whether it is constant or kept in the row of the population."""
    place = config.fields[name]
    if isinstance(place, Constant):
        return Const(place.value, config.fields.shape(name))
    return Value.cast(descriptor[name])


def offset_of(m: Module, config: CoreConfig, descriptor: Any) -> Value:
    """Number of a group in the core, less its number in the whole population.

    The descriptor of a slice must hold still from the cycle before its first group on.
    """
    slice_bits = (config.groups_per_row - 1).bit_length()
    if not config.bases:
        return descriptor.row << slice_bits
    offset = Signal(range(config.numbers), name="offset")
    m.d.sync += offset.eq((descriptor.row - descriptor.base) << slice_bits)
    return offset


class Pipeline(wiring.Component):
    """Update a group of neurons a cycle; it never stalls.

    Groups of a row come one behind the other, all groups of a population before those of the
    next. The population must hold still from its first group until its last has left.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    issue : In(1)
        A group is read from the memories.
    group : In(range(groups))
        Which one, counted from the first of the core.
    descriptor : In(Layouts.populations)
        Its population.
    state, parameters, accumulators : In
        Group, group and row read, one cycle later.
    word : In(32)
        Noise word of the time step.
    winner : In(winner_layout(config))
        Winner of the population in its last update.
    row_clear, cleared_row : Out
        A row of accumulators was read, and is to be zeroed.
    write, written_group, next_state : Out
        A group leaves, ``latency`` cycles after it came.
    spikes : Out(stream.Signature(spikes_layout(config), always_ready=True))
        Its spikes, by its number in the whole population; none of a population in which the
        winner takes all.
    values : Out(stream.Signature(values_layout(config), always_ready=True))
        Its values, if there are any.
    relative, fires, margins : Out
        Group that leaves, counted from the first of the slice, which of its neurons fire,
        and by how much.
    done, done_row : Out
        The last group of a row leaves.
    quiet : Out(1)
        One cycle after ``done``: the row had no input, sent nothing and changed no state.
    pending : Out(1)
        A group is under way that does not leave in this cycle.
    """

    issue: Signal
    group: Signal
    descriptor: Any
    state: Any
    parameters: Any
    accumulators: Any
    word: Signal
    winner: Any
    row_clear: Signal
    cleared_row: Signal
    write: Signal
    written_group: Signal
    next_state: Any
    spikes: stream.Interface
    values: stream.Interface
    relative: Signal
    fires: Signal
    margins: Any
    done: Signal
    done_row: Signal
    quiet: Signal
    pending: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.layouts = layouts = Layouts(config)
        lanes = range(config.update_lanes)
        self.lanes: list[Any] = [NeuronLane(config.fields, config.accumulator_width) for _ in lanes]
        self.latency = 2 + self.lanes[0].latency
        margin = signed(config.fields.width + 1)
        row, group = range(config.neuron_rows), range(config.groups)
        super().__init__({
            "issue": In(1),
            "group": In(group),
            "descriptor": In(layouts.populations),
            "state": In(layouts.state),
            "parameters": In(layouts.neurons),
            "accumulators": In(layouts.accumulators),
            "word": In(WORD_WIDTH),
            "winner": In(winner_layout(config)),
            "row_clear": Out(1),
            "cleared_row": Out(row),
            "write": Out(1),
            "written_group": Out(group),
            "next_state": Out(layouts.state),
            "spikes": Out(stream.Signature(spikes_layout(config), always_ready=True)),
            "values": Out(stream.Signature(values_layout(config), always_ready=True)),
            "relative": Out(group),
            "fires": Out(config.update_lanes),
            "margins": Out(data.ArrayLayout(margin, config.update_lanes)),
            "done": Out(1),
            "done_row": Out(row),
            "quiet": Out(1),
            "pending": Out(1),
        })

    @staticmethod
    def latency_of(config: CoreConfig) -> int:
        """Cycles from a group to its next state: memory, operand register and lane."""
        return 2 + NeuronLane.latency_of(config.fields)

    def elaborate(self, platform: Any) -> Module:
        """Build the stages: memory, operands, lanes, and what is done with their results."""
        m = Module()
        config = self.config
        slice_bits = (config.groups_per_row - 1).bit_length()
        first_group = self.descriptor.row << slice_bits

        # What goes along with each group: its number in the population.
        valid, relative = [self.issue], [(self.group - first_group)[: len(self.group)]]
        for stage in range(1, self.latency + 1):
            valid.append(Signal(name=f"valid_{stage}"))
            relative.append(Signal.like(self.group, name=f"relative_{stage}"))
            m.d.sync += [valid[-1].eq(valid[-2]), relative[-1].eq(relative[-2])]

        # One cycle after the read, a row of accumulators is out and may be zeroed.
        part, row = Signal(slice_bits), Signal.like(self.cleared_row)
        m.d.sync += Cat(part, row).eq(self.group)
        m.d.comb += [self.row_clear.eq(valid[1] & (part == 0)), self.cleared_row.eq(row)]

        # Operands are captured: the slice of the row, the state and the parameters.
        width = config.update_lanes * config.accumulator_width
        current = Signal(data.ArrayLayout(config.accumulator.shape, config.update_lanes))
        state, parameters = Signal(self.layouts.state), Signal(self.layouts.neurons)
        m.d.sync += [
            current.eq(self.accumulators.as_value().word_select(part, width)),
            state.eq(self.state),
            parameters.eq(self.parameters),
        ]
        self._lanes(m, current, state, parameters, relative[1:3])

        # The neurons that only fill up a pixel, or the population, send nothing.
        exists, last = Signal(config.update_lanes), Signal()
        before = relative[self.latency - 1]
        within = before & self.descriptor.period
        with m.If(within < self.descriptor.full):
            m.d.sync += exists.eq(~0)
        with m.Else():
            m.d.sync += exists.eq(Mux(within == self.descriptor.full, self.descriptor.tail, 0))
        m.d.sync += [
            last.eq(before == self.descriptor.last_group),
            self.written_group.eq(before + first_group),
        ]
        m.d.comb += [
            self.write.eq(valid[-1]),
            self.relative.eq(relative[-1]),
            self.fires.eq(Cat(lane.sends for lane in self.lanes) & exists),
            self.pending.eq(Cat(valid[1:-1]).any()),
        ]
        number = self._numbered(m, before) if config.bases else self.relative
        self._send(m, exists, last, number)
        if config.skip:
            self._judge(m, exists=exists, last=last, state=state, current=current)

        return m

    def _lanes(
        self, m: Module, current: Any, state: Any, parameters: Any, relative: list[Signal]
    ) -> None:
        """Let every lane compute its neuron."""
        config = self.config
        per_neuron = config.fields.kept(Per.NEURON)
        per_population = config.fields.kept(Per.POPULATION)
        contest = field_of(config, self.descriptor, "winner")
        number = self._numbered(m, relative[0]) if config.bases else relative[1]
        for u, lane in enumerate(self.lanes):
            m.submodules[f"lane{u}"] = lane
            m.d.comb += [
                lane.current.eq(current[u]),
                lane.state.eq(state[u]),
                self.next_state[u].eq(lane.next_state),
                self.margins[u].eq(lane.margin),
            ]
            for name in FIELDS:
                if name in per_neuron:
                    m.d.comb += lane.fields[name].eq(parameters[u][name])
                elif name in per_population:
                    m.d.comb += lane.fields[name].eq(self.descriptor[name])
            if config.fields.noisy:
                place = Const(u, (config.update_lanes - 1).bit_length())
                m.d.comb += [lane.word.eq(self.word), lane.index.eq(Cat(place, number))]
            if config.fields.may("winner", 1):
                won = (self.winner.group == relative[0]) & (self.winner.lane == u)
                m.d.sync += lane.inhibited.eq(contest & self.winner.some & ~won)

    def _numbered(self, m: Module, relative: Signal) -> Signal:
        """Number in the whole population of a group of a slice, a cycle later."""
        number = Signal(range(self.config.numbers))
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        m.d.sync += number.eq(relative + (self.descriptor.base << slice_bits))
        return number

    def _send(self, m: Module, exists: Signal, last: Signal, number: Signal) -> None:
        """Give spikes and values."""
        config = self.config
        output = field_of(config, self.descriptor, "output")
        contest = field_of(config, self.descriptor, "winner")
        readout = output == Output.VALUE
        valued = readout | (output == Output.COUNT)
        spikes, values = self.spikes.payload, self.values.payload
        m.d.comb += [
            self.spikes.valid.eq(self.write),
            spikes.bits.eq(Mux(contest | valued, 0, self.fires)),
            spikes.source.eq(self.descriptor.source),
            spikes.group.eq(number),
            spikes.last.eq(last),
        ]
        if config.value_groups:
            m.d.comb += [
                self.values.valid.eq(self.write & valued & self.fires.any()),
                values.mask.eq(self.fires),
                values.readout.eq(readout),
                values.source.eq(self.descriptor.source),
                values.group.eq(number),
            ]
            for u, lane in enumerate(self.lanes):
                m.d.comb += values.values[u].eq(lane.value)

    def _judge(self, m: Module, exists: Signal, last: Signal, state: Any, current: Any) -> None:
        """Tell of each row whether it was quiet."""
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        part = self.written_group[:slice_bits]
        given = current.as_value().any()
        for _ in range(self.lanes[0].latency):
            later, had = Signal.like(state, name="before"), Signal(name="given")
            m.d.sync += [later.eq(state), had.eq(given)]
            state, given = later, had
        changed = Cat(
            self.next_state[u].as_value() != state[u].as_value()
            for u in range(self.config.update_lanes)
        )
        stirred = (changed & exists).any() | self.fires.any() | given
        so_far = Signal()
        m.d.comb += [
            self.done.eq(self.write & (last | (part == self.config.groups_per_row - 1))),
            self.done_row.eq(self.written_group >> slice_bits),
            self.quiet.eq(~so_far),
        ]
        m.d.sync += so_far.eq(stirred | Mux(part == 0, 0, so_far))
