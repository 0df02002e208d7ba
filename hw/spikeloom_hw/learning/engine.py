"""The learning engine: at the end of a time step, every plastic projection learns."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..blocks import Blocks
from ..config import CoreConfig
from ..event import Kind, event_layout
from ..neuron.noise import WORD_WIDTH
from .entry import Entry
from .error_memory import ErrorMemory
from .layout import MODULATOR, built
from .marks import Marks
from .operands import Operands
from .port import hand_on
from .ports import ports_of
from .post_pass import PostPass
from .pre_pass import PrePass
from .row_pass import RowPass
from .scale import scaled
from .sequence import Sequence
from .sparse_rows import connect_sparse

__all__ = ["Learn"]


class Learn(wiring.Component):
    """Go over the entries of the table of plastic projections, and let each that is enabled learn.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    start : In(1)
        Begin; the core is still until ``done``.
    done : Out(1)
        All have learned; the modulator is 0 again.
    busy : Out(1)
        From the cycle after ``start`` until ``done``.
    word : In(32)
        Noise word of the time step.
    teach : In(stream.Signature(event_layout(value_width), always_ready=True))
        Modulator and errors of the time step.
    mark, neuron : In
        A presynaptic neuron of a plastic projection, counted from the first row of traces of the
        core, has fired.
    fired, fired_group, fired_bits : In
        Which neurons of a group of the core have.
    wake : Out(1)
        A parameter of a neuron has changed.
    clear, cleared : In
        Zero the traces in the row of this number, if there is one, and the modulator.
    rules : Out(RowPort(words))
        Table of entries.
    weights, state, neurons, pre, post, eligibility, epochs, pointers, synapses : Out(RowPort)
        Memories of the core; those that are not there are absent.
    """

    start: Signal
    done: Signal
    busy: Signal
    word: Signal
    teach: stream.Interface
    mark: Signal
    neuron: Signal
    fired: Signal
    fired_group: Signal
    fired_bits: Signal
    wake: Signal
    clear: Signal
    cleared: Signal
    rules: Any
    weights: Any
    state: Any
    neurons: Any
    pre: Any
    post: Any
    eligibility: Any
    epochs: Any
    pointers: Any
    synapses: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        event = event_layout(config.value_width)
        members: dict[str, Any] = {
            "start": In(1),
            "done": Out(1),
            "busy": Out(1),
            "word": In(WORD_WIDTH),
            "teach": In(stream.Signature(event, always_ready=True)),
            "mark": In(1),
            "neuron": In(range(learning.pre_neurons)),
            "fired": In(1),
            "fired_group": In(range(config.groups)),
            "fired_bits": In(config.update_lanes),
            "wake": Out(1),
            "clear": In(1),
            "cleared": In(32),
        }
        members |= {name: Out(port) for name, port in ports_of(config).items()}
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Connect entries, passes and memories, and let one follow the other."""
        m = Module()
        config = self.config
        m.submodules.entry = entry = Entry(config)
        m.submodules.post_pass = post_pass = PostPass(config)
        m.submodules.pre_pass = pre_pass = PrePass(config)
        m.submodules.row_pass = row_pass = RowPass(config)
        m.submodules.operands = operands = Operands(config)
        rule, modulator = entry.rule, self._modulator(m)
        rule_of_posts, rule_of_rows = scaled(m, config, rule, modulator)
        m.submodules.sequence = sequence = Sequence(config)
        self._errors(m, sequence, rule, post_pass, row_pass)
        m.d.comb += [
            sequence.start.eq(self.start),
            entry.number.eq(sequence.number),
            entry.load.eq(sequence.load),
            sequence.loaded.eq(entry.loaded),
            sequence.enabled.eq(rule.enabled),
            sequence.last.eq(rule.last),
            post_pass.start.eq(sequence.post),
            sequence.post_done.eq(post_pass.done),
            pre_pass.start.eq(sequence.pre),
            sequence.still.eq(~pre_pass.busy & row_pass.idle),
            self.done.eq(sequence.done),
            self.busy.eq(sequence.busy),
        ]
        if self.learning.eligibility:
            self._epochs(m, sequence, rule)
            connect(m, row_pass.eligibilities, flipped(self.eligibility))
            m.d.comb += [
                sequence.rewarded.eq(modulator.any()),
                pre_pass.sweeps.eq(sequence.sweeps),
                row_pass.kind.eq(sequence.kind),
            ]
        if self.learning.back:
            m.d.comb += [
                sequence.back.eq(rule.back),
                pre_pass.backwards.eq(sequence.backwards),
            ]

        self._look(m, (rule_of_posts, modulator), post_pass, operands)
        connect(m, entry.words, flipped(self.rules))
        m.d.comb += [pre_pass.rule.eq(rule), pre_pass.modulator.eq(modulator)]
        self._change(m, (rule_of_rows, modulator), pre_pass, row_pass, operands)
        self._spikes(m, post_pass, pre_pass)
        clears = self.clear, self.cleared
        if "pre" in self.signature.members:
            hand_on(m, self.pre, pre_pass.traces, clears)
        if "post" in self.signature.members:
            hand_on(m, self.post, post_pass.traces, clears)

        return m

    def _look(
        self, m: Module, step: tuple[Any, Signal], post_pass: PostPass, operands: Operands
    ) -> None:
        """Let the post pass look at neurons, and leave operands."""
        rule, modulator = step
        m.d.comb += [
            post_pass.rule.eq(rule),
            post_pass.modulated.eq(modulator.any()),
            self.state.read.eq(post_pass.group_read),
            self.state.read_row.eq(post_pass.group),
            post_pass.state.eq(self.state.read_data),
            operands.start.eq(post_pass.start),
            *(
                getattr(operands, name).eq(getattr(post_pass, name))
                for name in ("write", "slot", "block", "part", "factors")
            ),
        ]
        if "neurons" in self.signature.members:
            m.d.comb += [
                self.neurons.read.eq(post_pass.group_read),
                self.neurons.read_row.eq(post_pass.group),
                post_pass.parameters.eq(self.neurons.read_data),
            ]
        if self.learning.neurons:
            m.d.comb += [
                post_pass.word.eq(self.word),
                self.wake.eq(post_pass.learned),
                self.neurons.write.eq(post_pass.learned),
                self.neurons.write_row.eq(post_pass.learned_group),
                self.neurons.write_data.eq(post_pass.learned_parameters),
            ]

    def _change(
        self,
        m: Module,
        step: tuple[Any, Signal],
        pre_pass: PrePass,
        row_pass: RowPass,
        operands: Operands,
    ) -> None:
        """Let the pre pass give neurons to the row pass, which moves their weights."""
        rule, modulator = step
        connect(m, pre_pass.o, row_pass.i)
        connect(m, row_pass.weights, flipped(self.weights))
        m.d.comb += [
            row_pass.rule.eq(rule),
            row_pass.modulator.eq(modulator),
            row_pass.word.eq(self.word),
            row_pass.q_live.eq(operands.live),
            operands.read.eq(row_pass.operands.read),
            row_pass.operands.read_data.eq(operands.operands),
        ]
        connect_sparse(m, self, row_pass, operands)

    def _epochs(self, m: Module, sequence: Sequence, rule: Any) -> None:
        """Count the steps of each entry, and tell when an epoch ends."""
        steps = self.epochs.read_data.steps
        m.d.comb += [
            sequence.eligible.eq(rule.eligible),
            sequence.decays.eq(steps == rule.epoch - 1),
            self.epochs.read.eq(sequence.load),
            self.epochs.read_row.eq(sequence.number),
            self.epochs.write.eq(sequence.over),
            self.epochs.write_row.eq(sequence.number),
            self.epochs.write_data.steps.eq(Mux(sequence.decays, 0, steps + 1)),
        ]

    def _modulator(self, m: Module) -> Signal:
        """Keep the modulator of the step."""
        modulator = Signal(MODULATOR)
        event: Any = self.teach.payload
        with m.If(self.done | self.clear):
            m.d.sync += modulator.eq(0)
        with m.Elif(self.teach.valid & (event.kind == Kind.REWARD)):
            m.d.sync += modulator.eq(event.value)
        return modulator

    def _errors(
        self,
        m: Module,
        sequence: Sequence,
        rule: Any,
        post_pass: PostPass,
        row_pass: RowPass,
    ) -> None:
        """Keep the errors of the step, if there are any."""
        config = self.config
        if not self.learning.errors:
            m.d.comb += sequence.zeroed.eq(1)
            return
        m.submodules.error_memory = memory = ErrorMemory(config)
        event: Any = self.teach.payload
        m.d.comb += [
            memory.add.eq(self.teach.valid & (event.kind == Kind.ERROR)),
            memory.place.eq(event.index),
            memory.value.eq(event.value),
            memory.read.eq(post_pass.group_read),
            memory.group.eq(post_pass.group),
            post_pass.errors.eq(memory.errors),
            memory.zero.eq(sequence.zero),
            sequence.zeroed.eq(memory.zeroed),
            memory.clear.eq(self.clear),
            memory.cleared.eq(self.cleared),
        ]
        if self.learning.back:
            first = rule.source_row << (config.lanes - 1).bit_length()
            given = row_pass.errors.payload
            with m.If(row_pass.errors.valid):
                m.d.comb += [
                    memory.add.eq(1),
                    memory.place.eq(first + given.index),
                    memory.value.eq(given.value),
                ]

    def _spikes(self, m: Module, post_pass: PostPass, pre_pass: PrePass) -> None:
        """Keep who fired on both sides."""
        learning, config = self.learning, self.config
        m.submodules.marks = marks = Marks(learning.pre_rows, learning.pre_lanes)
        m.submodules.fired = fired = Blocks(config.update_lanes, config.groups)
        m.d.comb += [
            marks.put.eq(self.mark),
            marks.neuron.eq(self.neuron),
            marks.read.eq(pre_pass.spike_read),
            marks.row.eq(pre_pass.spike_row),
            pre_pass.spikes.eq(marks.bits),
            marks.clear.eq(self.clear & (self.cleared < learning.pre_rows)),
            marks.cleared.eq(self.cleared),
            fired.read.eq(post_pass.group_read),
            fired.read_row.eq(post_pass.group),
            post_pass.fired.eq(fired.read_data),
            fired.write.eq(self.fired | (self.clear & (self.cleared < config.groups))),
            fired.write_row.eq(Mux(self.clear, self.cleared, self.fired_group)),
            fired.write_data.eq(Mux(self.clear, 0, self.fired_bits)),
        ]
