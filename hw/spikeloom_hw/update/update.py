"""The update: from a step to the new states of the neurons of a phase, and what they send."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import CoreConfig
from ..layout import Layouts, time_layout
from ..memory import host_port
from ..neuron import Output
from ..walker import step_layout
from .due import DueRows
from .pipeline import Pipeline, field_of, offset_of
from .scan import Scan
from .sequencer import Sequencer
from .streams import spikes_layout, values_layout
from .sweep import Sweep
from .time import Time
from .winner import Winners

__all__ = ["Update"]


class Update(wiring.Component):
    """Sweep the populations of a phase, ``update_lanes`` neurons a cycle.

    A population of n groups keeps it busy for n + 2 cycles and those of a lane; the accumulators
    are zeroed on the way. With ``config.skip``, only rows of neurons that may change are
    processed: n groups of them take up to 3 cycles more, and one for each word of 32 rows without
    any. A population in which the winner takes all is busy for log2(update_lanes) + 1 cycles
    more. The CLEAR operation zeroes accumulators and states of all neurons instead.

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
        Read a row of accumulators: the slot above the row.
    accumulators : In(Layouts.accumulators)
        Row read, one cycle later.
    row_clear, cleared_row : Out
        Zero a row of accumulators.
    state_write, written_group, next_state : Out
        Write the state of a group.
    spikes : Out(stream.Signature(spikes_layout(config), always_ready=True))
        Spikes of a group.
    values : Out(stream.Signature(values_layout(config), always_ready=True))
        Values of a group; absent unless there are ``config.value_groups``.
    touched, touched_row : In
        A row of accumulators gets input: the slot above the row. Not while ``busy``.
    wake : In(1)
        Anything may have changed: process all rows, until each slot was taken.
    slot : Out(range(delay_slots))
        Accumulators of the present time step.
    fired, fired_group, fired_bits : Out
        Which neurons of a group fired; what was told last of a group holds as long as its row is
        skipped. These and the next two are absent unless the core learns.
    cleared, ended : Out
        Row that is being zeroed, while ``clearing``; the time step is done.
    busy : Out(1)
        A sweep is under way, or all is being zeroed.
    clearing : Out(1)
        All is being zeroed.
    processed : Out(1)
        A row of neurons is processed; once for each.
    finished : Out(1)
        A step is done that END answers: any but DONE.
    winners, time : Out(wiring.Signature(host_port(rows, word_bits)))
        Ports of the host to who won, and to the time; absent where the map has no such region.
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
    values: stream.Interface
    touched: Signal
    touched_row: Signal
    wake: Signal
    slot: Signal
    cleared: Signal
    fired: Signal
    fired_group: Signal
    fired_bits: Signal
    ended: Signal
    busy: Signal
    clearing: Signal
    processed: Signal
    finished: Signal
    winners: Any
    time: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.layouts = layouts = Layouts(config)
        rows, groups = range(config.accumulator_rows), range(config.groups)
        members: dict[str, Any] = {
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
            "touched": In(1),
            "touched_row": In(rows),
            "wake": In(1),
            "slot": Out(range(config.delay_slots)),
            "busy": Out(1),
            "clearing": Out(1),
            "processed": Out(1),
            "finished": Out(1),
        }
        if config.learning:
            cleared = range(Sequencer.depth_of(config))
            members |= {"fired": Out(1), "fired_group": Out(groups), "cleared": Out(cleared)}
            members |= {"fired_bits": Out(config.update_lanes), "ended": Out(1)}
        if config.fields.may("winner", 1):
            members["winners"] = Out(wiring.Signature(host_port(config.populations, 0)))
        if len(time_layout(config).members):
            members["time"] = Out(wiring.Signature(host_port(1, 1)))
        if config.value_groups:
            members["values"] = Out(stream.Signature(values_layout(config), always_ready=True))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Connect the sequencer, what chooses the groups, and the pipeline."""
        m = Module()
        config = self.config
        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.time = time = Time(config)
        m.submodules.pipeline = pipeline = Pipeline(config)
        given = self._groups(m, sequencer, pipeline, time)
        contested = self._winners(m, sequencer, pipeline)
        if config.learning:
            first = offset_of(m, config, self.descriptor)
            m.d.comb += [
                self.fired.eq(self.spikes.valid),
                self.fired_group.eq(first + self.spikes.payload.group),
                self.fired_bits.eq(self.spikes.payload.bits),
                self.cleared.eq(sequencer.cleared),
                self.ended.eq(sequencer.done),
            ]

        # Steps, their populations, and time.
        connect(m, flipped(self.i), sequencer.i)
        if "time" in self.signature.members:
            connect(m, flipped(self.time), time.host)
        told = ("phase_read", "phase", "population_read", "population", "clearing", "finished")
        m.d.comb += [
            *(getattr(self, name).eq(getattr(sequencer, name)) for name in told),
            sequencer.phase_entry.eq(self.phase_entry),
            sequencer.idle.eq(~given & ~pipeline.pending & ~contested),
            self.busy.eq(given | pipeline.pending | pipeline.write | contested | self.clearing),
            time.done.eq(sequencer.done),
            time.clear.eq(sequencer.clearing),
            time.wake.eq(self.wake),
            self.slot.eq(time.slot),
            pipeline.word.eq(time.word),
        ]
        self._memories(m, sequencer, pipeline)
        if config.value_groups:
            connect(m, pipeline.values, flipped(self.values))

        return m

    def _memories(self, m: Module, sequencer: Sequencer, pipeline: Pipeline) -> None:
        """Connect the memories of the neurons, which CLEAR zeroes."""
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        clearing, cleared = sequencer.clearing, sequencer.cleared
        given = ("descriptor", "state", "parameters", "accumulators")
        m.d.comb += [
            *(getattr(pipeline, name).eq(getattr(self, name)) for name in given),
            self.group.eq(pipeline.group),
            self.group_read.eq(pipeline.issue),
            self.row.eq(Cat(self.group[slice_bits:], self.slot)),
            self.row_read.eq(pipeline.issue & (self.group[:slice_bits] == 0)),
            self.processed.eq(self.row_read),
            self.row_clear.eq(clearing | pipeline.row_clear),
            self.cleared_row.eq(Mux(clearing, cleared, Cat(pipeline.cleared_row, self.slot))),
            self.state_write.eq(clearing | pipeline.write),
            self.written_group.eq(Mux(clearing, cleared, pipeline.written_group)),
            self.next_state.eq(Mux(clearing, 0, pipeline.next_state)),
        ]

    def _groups(self, m: Module, sequencer: Sequencer, pipeline: Pipeline, time: Time) -> Value:
        """Build what chooses the groups; give whether it is not done with a population."""
        config = self.config
        m.submodules.groups = groups = Scan(config) if config.skip else Sweep(config)
        m.d.comb += [
            groups.start.eq(sequencer.start),
            groups.row.eq(self.descriptor.row),
            groups.last_group.eq(self.descriptor.last_group),
            pipeline.issue.eq(groups.issue),
            pipeline.group.eq(groups.group),
        ]
        if not isinstance(groups, Scan):
            return groups.busy

        # What noise or a contest decides may change without a cause, and a value is always sent.
        m.submodules.due = due = DueRows(config)
        connect(m, due.o, groups.i)
        noisy = field_of(config, self.descriptor, "noise") != 0
        contest = field_of(config, self.descriptor, "winner") != 0
        reads_out = field_of(config, self.descriptor, "output") == Output.VALUE
        m.d.comb += [
            due.start.eq(sequencer.start),
            due.row.eq(self.descriptor.row),
            due.last_group.eq(self.descriptor.last_group),
            due.slot.eq(time.slot),
            due.whole.eq(time.awake | noisy | contest | reads_out),
            due.touched.eq(self.touched),
            due.touched_row.eq(self.touched_row),
            due.done.eq(pipeline.done),
            due.done_row.eq(pipeline.done_row),
            due.quiet.eq(pipeline.quiet),
        ]
        return groups.busy | due.busy

    def _winners(self, m: Module, sequencer: Sequencer, pipeline: Pipeline) -> Value:
        """Build the contest, if there may be one; give whether it is not over."""
        if not self.config.fields.may("winner", 1):
            connect(m, pipeline.spikes, flipped(self.spikes))
            return Const(0)
        m.submodules.winners = winners = Winners(self.config)
        connect(m, flipped(self.winners), winners.host)
        m.d.comb += [
            winners.read.eq(sequencer.population_read),
            winners.population.eq(sequencer.population),
            winners.contest.eq(field_of(self.config, self.descriptor, "winner")),
            winners.start.eq(sequencer.start),
            winners.over.eq(sequencer.over),
            winners.clear.eq(sequencer.clearing),
            winners.cleared.eq(sequencer.cleared),
            winners.valid.eq(pipeline.write),
            winners.group.eq(pipeline.relative),
            winners.fires.eq(pipeline.fires),
            winners.margins.eq(pipeline.margins),
            pipeline.winner.eq(winners.before),
        ]

        # The spike of the winner follows the last group, which had none.
        spikes = self.spikes.payload
        m.d.comb += [
            self.spikes.valid.eq(pipeline.spikes.valid | winners.won),
            spikes.eq(pipeline.spikes.payload),
        ]
        with m.If(winners.won):
            m.d.comb += [
                spikes.bits.eq(1 << winners.best.lane),
                spikes.group.eq(winners.best.group),
                spikes.last.eq(1),
            ]
        return winners.busy
