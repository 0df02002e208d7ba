"""The pipeline lane that updates a neuron every cycle."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..event import INDEX_WIDTH
from .charge import charge, charged_at
from .fields import Fields, Output, Reset
from .fire import COUNT_STAGES, adapt, count
from .noise import WORD_WIDTH
from .stages import Stages

__all__ = ["NeuronLane"]


class NeuronLane(wiring.Component):
    """One lane of the update: a new neuron every cycle, its next state ``latency`` cycles later.

    The lane never stalls. Fields kept per population, and the word, must hold still from the
    first neuron of the population until its last has left.

    The latency is 4 cycles, one more if there may be a synaptic current or noise, and five more
    if spikes may be counted; the other parts cost no cycle.

    Parameters
    ----------
    places : Fields
        Where the parameters are kept; only those kept per neuron travel with the neuron. What no
        neuron can make use of is not built.
    current_width : int
        Bits of the accumulator.

    Attributes
    ----------
    latency : int
        Cycles from a neuron to its next state.

    Members
    -------
    current : In(signed(current_width))
        Accumulated synaptic input.
    state : In(places.state)
        State before the step.
    fields : In(places.layout)
        Parameters of the neuron.
    index : In(INDEX_WIDTH)
        Number of the neuron in its population; absent unless there may be noise.
    word : In(32)
        Word of the time step.
    inhibited : In(1)
        Whether another neuron of the population won the last step.
    next_state : Out(places.state)
        State after the step.
    fires : Out(1)
        Whether the neuron crossed its threshold, and does not rest.
    sends : Out(1)
        Whether an event leaves it.
    value : Out(signed(places.value_width))
        If it sends, the number of spikes or the potential after the step; absent if no neuron
        sends values.
    margin : Out(signed(places.width + 1))
        If it fires, how far it was above its threshold.
    """

    current: Signal
    state: Any
    fields: Any
    index: Signal
    word: Signal
    inhibited: Signal
    next_state: Any
    fires: Signal
    sends: Signal
    value: Signal
    margin: Signal

    def __init__(self, places: Fields, current_width: int) -> None:
        self.places = places
        self.current_width = current_width
        members: dict[str, Any] = {
            "current": In(signed(current_width)),
            "state": In(places.state),
            "fields": In(places.layout),
            "word": In(WORD_WIDTH),
            "inhibited": In(1),
            "next_state": Out(places.state),
            "fires": Out(1),
            "sends": Out(1),
            "margin": Out(signed(places.width + 1)),
        }
        if places.noisy:
            members["index"] = In(INDEX_WIDTH)
        if places.value_width:
            members["value"] = Out(signed(places.value_width))
        super().__init__(members)
        self._charged = charged_at(places)
        self.latency = self.latency_of(places)
        self._last = self.latency - 1

    @staticmethod
    def latency_of(places: Fields) -> int:
        """Cycles from a neuron to its next state, of a lane that is not built."""
        return charged_at(places) + COUNT_STAGES * places.may("output", Output.COUNT) + 1

    def elaborate(self, platform: Any) -> Module:
        """Build the lane."""
        m = Module()
        stages = Stages(m, self.places, self)
        number, last, waits = stages.number, self._last, self._last - self._charged

        # The potential leaks and is charged; the threshold adapts; spikes are counted.
        charged, current = charge(stages)
        bar, *adaptations = adapt(stages, self._charged)
        left, spikes = charged, Const(0)
        if waits:
            left, spikes = count(stages, charged, bar, self._charged)
        charged, bar = stages.later(charged, waits), stages.later(bar, waits)

        # Compare.
        above = Signal(signed(number.width + 2))
        resting, fires = Signal(), Signal()
        wait = self._wait(stages)
        crosses = (above > 0) | ((above == 0) & stages.field("inclusive", last))
        m.d.comb += [
            above.eq(charged - bar),
            resting.eq(wait != 0),
            fires.eq(crosses & ~resting & self._has(Output.SPIKE, Output.COUNT)),
        ]

        # Reset.
        floor, reset_value = stages.field("minimum", last), stages.field("reset_value", last)
        after = Signal(number.shape)
        with m.If(resting):
            m.d.comb += after.eq(reset_value)
        with m.Elif(~fires):
            m.d.comb += after.eq(Mux(charged < floor, floor, charged))
        with m.Else(), m.Switch(stages.field("reset", last)):
            with m.Case(Reset.TO_VALUE):
                m.d.comb += after.eq(reset_value)
            with m.Case(Reset.SUBTRACT):
                m.d.comb += after.eq(Mux(self._has(Output.COUNT), left, number.saturate(above)))
            with m.Default():
                m.d.comb += after.eq(charged)

        # The results leave.
        shows = self._has(Output.VALUE)
        m.d.sync += [
            self.next_state.potential.eq(after),
            self.fires.eq(fires),
            self.sends.eq(fires | shows),
            self.margin.eq(above),
        ]
        if self.places.value_width:
            m.d.sync += self.value.eq(Mux(shows, after, spikes))

        self._keep(stages, wait, fires, current, adaptations)

        return m

    def _wait(self, stages: Stages) -> Value:
        """Steps for which the neuron still rests."""
        if "refractory" not in self.places.state.members:
            return Const(0)
        return stages.later(self.state.refractory, self._last)

    def _keep(
        self,
        stages: Stages,
        wait: Value,
        fires: Signal,
        current: Value | None,
        adaptations: list[Value],
    ) -> None:
        """Write the state beside the potential, as far as it is built."""
        m, next_state, waits = stages.m, self.next_state, self._last - self._charged
        if "refractory" in self.places.state.members:
            period, waited = stages.field("refractory", self._last), Mux(wait != 0, wait - 1, 0)
            m.d.sync += next_state.refractory.eq(Mux(fires, period, waited))
        if "fired" in self.places.state.members:
            m.d.sync += next_state.fired.eq(fires)
        if current is not None:
            m.d.sync += next_state.current.eq(stages.later(current, waits + 1))
        if "adaptation" in self.places.state.members:
            lowered, raised = (stages.later(value, waits) for value in adaptations)
            m.d.sync += next_state.adaptation.eq(Mux(fires, raised, lowered))

    def _has(self, *outputs: Output) -> Value:
        """Whether the output of the population is one of ``outputs``."""
        able = [output for output in Output if self.places.may("output", output)]
        if len(able) == 1:
            return Const(able[0] in outputs)
        return Cat(Value.cast(self.fields["output"]) == output for output in outputs).any()
