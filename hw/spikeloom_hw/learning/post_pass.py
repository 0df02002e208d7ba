"""The post pass: over the target of a plastic projection, before its weights are looked at."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..layout import Layouts
from ..neuron import Per
from ..neuron.noise import WORD_WIDTH
from .delay import later
from .layout import (
    ERROR,
    built,
    neuron_traces,
    operand_shape,
    post_factor_shape,
    post_layout,
    rule_layout,
)
from .neuron_lane import LEARNED_AT, NeuronLearningLane
from .port import RowPort
from .post_lane import PostLane

__all__ = ["PostPass"]


class PostPass(wiring.Component):
    """Update the traces of a target, and write the factors of the terms.

    A group of neurons takes as many cycles as there are slots. Groups that only fill up the last
    block have factors too, all 0.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    start : In(1)
        Begin; the rule holds still from here until ``done``.
    done : Out(1)
        All is written.
    rule : In(rule_layout(config))
        The entry; without products in the lanes, with the coefficients that factors get here.
    modulated : In(1)
        The modulator is not 0.
    group_read, group : Out
        Read this group of the core: state, parameters, spikes and errors of its neurons.
    state, parameters, fired, errors : In
        Of that group, one cycle later.
    traces : Out(RowPort)
        Memory of postsynaptic traces.
    word : In(32)
        Noise word of the time step. This and the next are absent unless neurons may learn.
    learned, learned_group, learned_parameters : Out
        New parameters of a group of the core.
    write : Out(1)
        Write ``factors``.
    slot, block, part : Out
        Where they go: slot of a block, and part of its lanes.
    factors : Out
        Of an update group for a slot.
    """

    start: Signal
    done: Signal
    rule: Any
    modulated: Signal
    group_read: Signal
    group: Signal
    state: Any
    parameters: Any
    fired: Signal
    errors: Any
    traces: Any
    word: Signal
    learned: Signal
    learned_group: Signal
    learned_parameters: Any
    write: Signal
    slot: Signal
    block: Signal
    part: Signal
    factors: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        self.layouts = Layouts(config)
        self.lanes: list[Any] = [PostLane(config) for _ in range(config.update_lanes)]
        learners = config.update_lanes if learning.neurons else 0
        self.learners: list[Any] = [NeuronLearningLane(config) for _ in range(learners)]
        self.lane_bits = (config.update_lanes - 1).bit_length()
        # Memory, its register, the lane.
        self.latency = 2 + self.lanes[0].latency
        self.slice_bits = (config.groups_per_row - 1).bit_length()
        operands = data.ArrayLayout(operand_shape(config), config.update_lanes)
        members: dict[str, Any] = {
            "start": In(1),
            "done": Out(1),
            "rule": In(rule_layout(config)),
            "modulated": In(1),
            "group_read": Out(1),
            "group": Out(range(config.groups)),
            "state": In(self.layouts.state),
            "parameters": In(self.layouts.neurons),
            "fired": In(config.update_lanes),
            "errors": In(data.ArrayLayout(ERROR, config.update_lanes)),
            "traces": Out(RowPort(post_layout(config), learning.post_rows)),
            "write": Out(1),
            "slot": Out(range(learning.slots)),
            "block": Out(range(config.neuron_rows)),
            "part": Out(self.slice_bits),
            "factors": Out(operands),
        }
        if learning.neurons:
            members |= {
                "word": In(WORD_WIDTH),
                "learned": Out(1),
                "learned_group": Out(range(config.groups)),
                "learned_parameters": Out(self.layouts.neurons),
            }
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Issue groups, let the lanes work, and write what they give slot by slot."""
        m = Module()
        end = Signal(range(self.config.groups))
        m.d.comb += end.eq(self.rule.last_group | (self.config.groups_per_row - 1))
        issued, number = self._issue(m, end)

        # What goes along with a group: its number, counted from the first of the target.
        valid, numbers = [issued], [number]
        for stage in range(1, self.latency + 1):
            valid.append(Signal(name=f"valid_{stage}"))
            numbers.append(Signal.like(number, name=f"number_{stage}"))
            m.d.sync += [valid[-1].eq(valid[-2]), numbers[-1].eq(numbers[-2])]
        m.d.comb += [
            self.group_read.eq(issued),
            self.group.eq((self.rule.row << self.slice_bits) + number),
            self.traces.read.eq(issued),
            self.traces.read_row.eq(self.rule.post_row + number),
            self.traces.write.eq(valid[4] & (numbers[4] <= self.rule.last_group)),
            self.traces.write_row.eq(self.rule.post_row + numbers[4]),
        ]
        self._lanes(m, numbers[1:3])
        if self.learning.neurons:
            at = LEARNED_AT + 2
            for stage in range(len(valid), at + 1):
                valid.append(Signal(name=f"valid_{stage}"))
                numbers.append(Signal.like(number, name=f"number_{stage}"))
                m.d.sync += [valid[-1].eq(valid[-2]), numbers[-1].eq(numbers[-2])]
            learns = self.rule.learn_threshold | self.rule.learn_decay
            learns = learns & (self.modulated | ~self.rule.gate)
            m.d.comb += [
                self.learned.eq(valid[at] & learns & (numbers[at] <= self.rule.last_group)),
                self.learned_group.eq((self.rule.row << self.slice_bits) + numbers[at]),
            ]
        self._write(m, valid[self.latency], numbers[self.latency], end)

        return m

    def _issue(self, m: Module, end: Signal) -> tuple[Signal, Signal]:
        """Give whether a group is issued, and which one; one in as many cycles as slots."""
        busy, issued = Signal(), Signal()
        number = Signal(range(self.config.groups))
        wait = Signal(range(self.learning.slots))
        m.d.comb += issued.eq(busy & (wait == 0))
        with m.If(self.start):
            m.d.sync += [busy.eq(1), number.eq(0), wait.eq(0)]
        with m.Elif(busy):
            m.d.sync += wait.eq(Mux(wait == self.learning.slots - 1, 0, wait + 1))
            with m.If(issued):
                m.d.sync += busy.eq(number != end)
            with m.If(wait == self.learning.slots - 1):
                m.d.sync += number.eq(number + 1)
        return issued, number

    def _lanes(self, m: Module, numbers: list[Signal]) -> None:
        """Give every lane its neuron, which the memories gave the cycle before."""
        config, rule, number = self.config, self.rule, numbers[1]
        whole = number
        if config.bases and self.learning.neurons:
            whole = Signal(range(config.numbers))
            m.d.sync += whole.eq(numbers[0] + (rule.base << self.slice_bits))
        state, parameters = Signal(self.layouts.state), Signal(self.layouts.neurons)
        traces, fired = Signal(self.traces.read_data.shape()), Signal.like(self.fired)
        errors = Signal.like(self.errors)
        m.d.sync += [
            state.eq(self.state),
            parameters.eq(self.parameters),
            traces.eq(self.traces.read_data),
            fired.eq(self.fired),
            errors.eq(self.errors),
        ]
        within, last = Signal(), Signal()
        m.d.comb += [
            within.eq(number < rule.last_group),
            last.eq(number == rule.last_group),
        ]
        for u, lane in enumerate(self.lanes):
            m.submodules[f"lane{u}"] = lane
            neuron: Any = state[u]
            m.d.comb += [
                lane.rule.eq(rule),
                lane.modulated.eq(self.modulated),
                lane.spike.eq(fired[u]),
                lane.exists.eq(within | (last & rule.tail[u])),
                lane.potential.eq(neuron.potential),
                lane.error.eq(errors[u]),
                *(lane.traces[name].eq(traces[u][name]) for name in lane.traces.shape().members),
                *(
                    self.traces.write_data[u][name].eq(lane.next_traces[name])
                    for name in lane.traces.shape().members
                ),
            ]
            if self.learning.errors:
                own = config.fields["threshold"] is Per.NEURON
                threshold: Any = (parameters[u] if own else rule).threshold
                adaptation = "adaptation" in config.fields.state.members
                m.d.comb += lane.bar.eq(threshold + (neuron.adaptation if adaptation else 0))
            if self.learning.neurons:
                kept: Any = traces[u]
                m.d.comb += self.learners[u].index.eq(Cat(Const(u, self.lane_bits), whole))
                self._learn(m, u, lane, parameters[u], kept)

    def _learn(self, m: Module, u: int, lane: Any, parameters: Any, traces: Any) -> None:
        """Let a lane learn threshold and decay; the other parameters of the neuron stay."""
        m.submodules[f"learner{u}"] = learner = self.learners[u]
        new, written = self.learned_parameters[u], self.traces.write_data[u]
        m.d.comb += [
            learner.rule.eq(self.rule),
            learner.learns.eq(self.modulated | ~self.rule.gate),
            learner.word.eq(self.word),
            *(learner.traces[name].eq(traces[name]) for name in neuron_traces(self.config)),
            *(written[name].eq(learner.next_traces[name]) for name in neuron_traces(self.config)),
            *(
                getattr(learner, name).eq(getattr(lane, name))
                for name in ("exists", "spike", "potential", "delta")
            ),
            learner.threshold.eq(parameters.threshold),
            learner.decay.eq(parameters.decay),
            new.eq(later(m, parameters, LEARNED_AT)),
            new.threshold.eq(learner.next_threshold),
            new.decay.eq(learner.next_decay),
        ]

    def _write(self, m: Module, valid: Signal, number: Signal, end: Signal) -> None:
        """Write the factors of a group, slot by slot; tell when the last are written."""
        slots = self.learning.slots
        factors = data.ArrayLayout(post_factor_shape(self.config), self.config.update_lanes)
        held: Any = Signal(data.ArrayLayout(factors, slots))
        group, writing = Signal.like(number), Signal()
        for u, lane in enumerate(self.lanes):
            given = [*(lane.factors[k] for k in range(self.learning.terms)), lane.delta]
            for slot in range(slots):
                with m.If(valid):
                    m.d.sync += held[slot][u].eq(given[slot])
        slot = Signal.like(self.slot)
        last = slot == slots - 1
        with m.If(valid):
            m.d.sync += [group.eq(number), writing.eq(1), slot.eq(0)]
        with m.Elif(last):
            m.d.sync += writing.eq(0)
        with m.Else():
            m.d.sync += slot.eq(slot + 1)

        # Lanes that do not multiply get products with the coefficient, two cycles later.
        given, cycles = held[slot], 0
        if not self.learning.products:
            names = [f"term{k}_coefficient" for k in range(slots)]
            given, cycles = self._scale(m, given, Array(self.rule[name] for name in names)[slot]), 2
        ended = later(m, writing & last & (group == end), cycles)
        m.d.comb += [
            self.write.eq(later(m, writing, cycles)),
            self.slot.eq(later(m, slot, cycles)),
            self.part.eq(later(m, group, cycles)),
            self.block.eq(later(m, group >> self.slice_bits, cycles)),
            self.factors.eq(given),
        ]
        m.d.sync += self.done.eq(ended)

    def _scale(self, m: Module, factors: Any, coefficient: Value) -> Any:
        """Multiply the factors of a group by a coefficient, with registers before and behind."""
        products = Signal.like(self.factors, name="products")
        chosen = later(m, coefficient, 1).as_signed()
        for u in range(self.config.update_lanes):
            m.d.sync += products[u].eq(later(m, factors[u], 1).as_signed() * chosen)
        return products
