"""The update: a sweep over the neurons of a phase at the end of its part of the step."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .event import Operation
from .layout import Layouts
from .neuron import FIELDS, LIF, Per
from .walker import step_layout

__all__ = ["Update", "spikes_layout"]


def spikes_layout(config: CoreConfig) -> data.StructLayout:
    """Spike bits of one update group, its population, and its place in the population."""
    return data.StructLayout({
        "bits": config.update_lanes,
        "source": range(config.sources),
        "group": range(config.groups),
        "last": 1,
    })


class Update(wiring.Component):
    """Sweep the populations of a phase, ``update_lanes`` neurons a cycle.

    A population of n groups keeps it busy for n + 6 cycles; the accumulators are zeroed on the
    way. The CLEAR operation zeroes accumulators and states of all neurons instead.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(step_layout(config)))
        Steps; ready when done.
    phase_read, phase, phase_entry
        Port of the phase table: read, row, row read one cycle later.
    population_read, population, descriptor
        Port of the population table.
    group_read, group
        Read the state and the parameters of a group.
    state, parameters : In
        Group read, one cycle later.
    row_read, row : Out
        Read a row of accumulators.
    accumulators : In(Layouts.accumulators)
        Row read, one cycle later.
    row_clear, cleared_row : Out
        Zero a row of accumulators.
    state_write, written_group, next_state : Out
        Write the state of a group.
    spikes : Out(stream.Signature(spikes_layout(config), always_ready=True))
        Spikes of a group.
    busy : Out(1)
        A sweep is under way, or all is being zeroed.
    clearing : Out(1)
        All is being zeroed.
    """

    i: stream.Interface
    phase_read: Signal
    phase: Signal
    phase_entry: Any
    population_read: Signal
    population: Signal
    descriptor: Any
    group_read: Signal
    group: Signal
    state: Any
    parameters: Any
    row_read: Signal
    row: Signal
    accumulators: Any
    row_clear: Signal
    cleared_row: Signal
    state_write: Signal
    written_group: Signal
    next_state: Any
    spikes: stream.Interface
    busy: Signal
    clearing: Signal

    DEPTH = 2 + LIF.LATENCY  # memory, operand register, lane

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.layouts = layouts = Layouts(config)
        rows, groups = range(config.neuron_rows), range(config.groups)
        super().__init__({
            "i": In(stream.Signature(step_layout(config))),
            "phase_read": Out(1),
            "phase": Out(range(config.phases)),
            "phase_entry": In(layouts.phases),
            "population_read": Out(1),
            "population": Out(range(config.populations)),
            "descriptor": In(layouts.populations),
            "group_read": Out(1),
            "group": Out(groups),
            "state": In(layouts.state),
            "parameters": In(layouts.neurons),
            "row_read": Out(1),
            "row": Out(rows),
            "accumulators": In(layouts.accumulators),
            "row_clear": Out(1),
            "cleared_row": Out(rows),
            "state_write": Out(1),
            "written_group": Out(groups),
            "next_state": Out(layouts.state),
            "spikes": Out(stream.Signature(spikes_layout(config), always_ready=True)),
            "busy": Out(1),
            "clearing": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the sequencer, and the pipeline that it feeds."""
        m = Module()
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        issue, last_issued = Signal(), Signal()
        clear = self.clearing
        left = Signal(range(self.config.populations + 1))
        swept = Signal(range(self.config.groups))
        done = Signal()
        m.d.comb += [
            self.phase.eq(self.i.payload.phase),
            self.row.eq(self.group >> slice_bits),
            last_issued.eq(swept == self.descriptor.last_group),
            self.group_read.eq(issue),
            self.row_read.eq(issue & (self.group[:slice_bits] == 0)),
            done.eq(self.state_write & self.spikes.payload.last),
        ]

        with m.FSM():
            # Wait for a step; all but UPDATE and CLEAR are done at once.
            with m.State("IDLE"), m.If(self.i.valid):
                m.d.sync += [self.group.eq(0), left.eq(0)]
                with m.If(self.i.payload.operation == Operation.UPDATE):
                    m.d.comb += self.phase_read.eq(1)
                    m.next = "PHASE"
                with m.Elif(self.i.payload.operation == Operation.CLEAR):
                    m.next = "CLEAR"
                with m.Else():
                    m.d.comb += self.i.ready.eq(1)

            # The row of the phase table is there: read its first population.
            with m.State("PHASE"):
                m.d.comb += [
                    self.population.eq(self.phase_entry.first),
                    self.population_read.eq(1),
                ]
                m.d.sync += left.eq(self.phase_entry.count)
                with m.If(self.phase_entry.count == 0):
                    m.d.comb += self.i.ready.eq(1)
                    m.next = "IDLE"
                with m.Else():
                    m.next = "POPULATION"

            # The population is there: start at its first group.
            with m.State("POPULATION"):
                m.d.sync += [
                    self.group.eq(self.descriptor.row << slice_bits),
                    swept.eq(0),
                    left.eq(left - 1),
                ]
                m.next = "SWEEP"

            # One group a cycle enters the pipeline.
            with m.State("SWEEP"):
                m.d.comb += issue.eq(1)
                m.d.sync += [self.group.eq(self.group + 1), swept.eq(swept + 1)]
                with m.If(last_issued):
                    m.next = "DRAIN"

            # The descriptor must hold until the last group has left the pipeline.
            with m.State("DRAIN"):
                following = self.phase_entry.first + self.phase_entry.count - left
                m.d.comb += [self.population.eq(following), self.population_read.eq(done)]
                with m.If(done & (left == 0)):
                    m.d.comb += self.i.ready.eq(1)
                    m.next = "IDLE"
                with m.Elif(done):
                    m.next = "POPULATION"

            # Zero state and accumulators of every group.
            with m.State("CLEAR"):
                m.d.comb += clear.eq(1)
                m.d.sync += self.group.eq(self.group + 1)
                with m.If(self.group == self.config.groups - 1):
                    m.d.comb += self.i.ready.eq(1)
                    m.next = "IDLE"

        m.d.comb += self.busy.eq(issue | clear | self._pipeline(m, issue, last_issued, clear))

        return m

    def _pipeline(self, m: Module, issue: Signal, last: Signal, clear: Signal) -> Value:
        """Build the stages behind the memories; give whether a group is in them."""
        config = self.config
        slice_bits = (config.groups_per_row - 1).bit_length()

        # What goes along with each group.
        group, final, valid = [self.group], [last], [issue]
        for stage in range(self.DEPTH):
            group.append(Signal(range(config.groups), name=f"group_{stage + 1}"))
            final.append(Signal(name=f"final_{stage + 1}"))
            valid.append(Signal(name=f"valid_{stage + 1}"))
            m.d.sync += [
                group[-1].eq(group[-2]),
                final[-1].eq(final[-2]),
                valid[-1].eq(valid[-2]),
            ]

        # One cycle after the read, a row of accumulators is out and may be zeroed.
        m.d.comb += [
            self.row_clear.eq(clear | (valid[1] & (group[1][:slice_bits] == 0))),
            self.cleared_row.eq(Mux(clear, self.group, group[1]) >> slice_bits),
        ]

        # Operands are captured: the slice of the row, the state and the parameters.
        width = config.update_lanes * config.accumulator_width
        current = Signal(data.ArrayLayout(config.accumulator.shape, config.update_lanes))
        state, parameters = Signal(self.layouts.state), Signal(self.layouts.neurons)
        row = self.accumulators.as_value()
        m.d.sync += [
            current.eq(row.word_select(group[1][:slice_bits], width)),
            state.eq(self.state),
            parameters.eq(self.parameters),
        ]

        # Every lane computes its neuron.
        fires = Signal(config.update_lanes)
        per_neuron = config.fields.kept(Per.NEURON)
        per_population = config.fields.kept(Per.POPULATION)
        next_state = Signal(self.layouts.state)
        for u in range(config.update_lanes):
            m.submodules[f"lane{u}"] = lane = LIF(config.fields, config.accumulator_width)
            m.d.comb += [
                lane.current.eq(current[u]),
                lane.state.eq(state[u]),
                next_state[u].eq(lane.next_state),
                fires[u].eq(lane.fires),
            ]
            for name in FIELDS:
                if name in per_neuron:
                    m.d.comb += lane.fields[name].eq(parameters[u][name])
                elif name in per_population:
                    m.d.comb += lane.fields[name].eq(self.descriptor[name])

        # State and spikes leave; the neurons that only fill up the last group do not spike.
        spikes = self.spikes.payload
        first_group = self.descriptor.row << slice_bits
        m.d.comb += [
            self.state_write.eq(clear | valid[-1]),
            self.written_group.eq(Mux(clear, self.group, group[-1])),
            self.next_state.eq(Mux(clear, 0, next_state)),
            spikes.bits.eq(fires & Mux(final[-1], self.descriptor.tail, ~0)),
            spikes.source.eq(self.descriptor.source),
            spikes.group.eq(group[-1] - first_group),
            spikes.last.eq(valid[-1] & final[-1]),
            self.spikes.valid.eq(valid[-1]),
        ]
        return Cat(valid[1:]).any()
