"""The pipeline lane of the leaky integrate-and-fire neuron."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..number import Signed, decayed
from .fields import SHIFT_WIDTH, Constant, Fields, Per, Reset

__all__ = ["LIF"]


class LIF(wiring.Component):
    """One lane of the update: a new neuron every cycle, its next state four cycles later.

    The lane never stalls. Fields kept per population must hold still from the first neuron of the
    population until its last has left.

    Parameters
    ----------
    places : Fields
        Where the parameters are kept; only those kept per neuron travel with the neuron.
    current_width : int
        Bits of the accumulator.

    Members
    -------
    current : In(signed(current_width))
        Accumulated synaptic input.
    state : In(places.state)
        State before the step.
    fields : In(places.layout)
        Parameters of the neuron.
    next_state : Out(places.state)
        State after the step.
    fires : Out(1)
        Whether the neuron fired.
    """

    LATENCY = 4

    current: Signal
    state: Any
    fields: Any
    next_state: Any
    fires: Signal

    def __init__(self, places: Fields, current_width: int) -> None:
        self.places = places
        self.current_width = current_width
        super().__init__({
            "current": In(signed(current_width)),
            "state": In(places.state),
            "fields": In(places.layout),
            "next_state": Out(places.state),
            "fires": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the lane."""
        m = Module()
        number = Signed(self.places.width)
        has_refractory = "refractory" in self.places.state.members
        has_fired = "fired" in self.places.state.members
        state, field = self.state, self._fields_by_stage(m)

        # Stage 1: multiply by the decay factor, and scale the input.
        product = Signal(signed(number.width + len(self.fields.decay)))
        drive = Signal(signed(self.current_width + (1 << SHIFT_WIDTH) - 1))
        m.d.sync += drive.eq(self.current << field("shift", 0))
        if self.places.leaks:
            m.d.sync += product.eq(state.potential * field("decay", 0))
        else:
            m.d.sync += product.eq(state.potential)

        # Stage 2: round the leaked potential, and sum all that is added to it.
        leaked = Signal(number.shape)
        charge = Signal(signed(max(len(drive), number.width) + 2))
        m.d.sync += leaked.eq(decayed(product) if self.places.leaks else product)
        owed = Signal(number.shape)
        if has_fired:
            delayed = field("reset", 1) == Reset.SUBTRACT_DELAYED
            owes = _delayed(m, state.fired, 1) & delayed
            m.d.comb += owed.eq(Mux(owes, field("threshold", 1), 0))
        m.d.sync += charge.eq(drive + field("bias", 1) - owed)

        # Stage 3: saturate once, after the exact sum.
        charged = Signal(number.shape)
        m.d.sync += charged.eq(number.saturate(leaked + charge))

        # Stage 4: compare and reset.
        above = Signal(signed(number.width + 1))
        resting = Signal()
        fires = Signal()
        m.d.comb += above.eq(charged - field("threshold", 3))
        m.d.comb += fires.eq(~resting & ((above > 0) | ((above == 0) & field("inclusive", 3))))
        floor, reset_value = field("minimum", 3), field("reset_value", 3)
        left = Signal(number.shape)
        with m.If(resting):
            m.d.comb += left.eq(reset_value)
        with m.Elif(~fires):
            m.d.comb += left.eq(Mux(charged < floor, floor, charged))
        with m.Else(), m.Switch(field("reset", 3)):
            with m.Case(Reset.TO_VALUE):
                m.d.comb += left.eq(reset_value)
            with m.Case(Reset.SUBTRACT):
                m.d.comb += left.eq(number.saturate(above))
            with m.Default():
                m.d.comb += left.eq(charged)
        m.d.sync += [self.next_state.potential.eq(left), self.fires.eq(fires)]

        # Count down the refractory period, which a spike sets.
        if has_refractory:
            wait = _delayed(m, state.refractory, 3)
            m.d.comb += resting.eq(wait != 0)
            waited = Mux(resting, wait - 1, 0)
            m.d.sync += self.next_state.refractory.eq(Mux(fires, field("refractory", 3), waited))
        if has_fired:
            m.d.sync += self.next_state.fired.eq(fires)

        return m

    def _fields_by_stage(self, m: Module) -> Any:
        """Give a field as the neuron in stage ``stage`` sees it."""
        kept_with_neuron = self.places.kept(Per.NEURON)

        def field(name: str, stage: int) -> Value:
            place = self.places[name]
            if isinstance(place, Constant):
                return Const(place.value, self.places.shape(name))
            value = getattr(self.fields, name)
            return _delayed(m, value, stage) if name in kept_with_neuron else value

        return field


def _delayed(m: Module, value: Value, stages: int) -> Value:
    """Delay ``value`` by ``stages`` cycles."""
    for _ in range(stages):
        later = Signal(value.shape(), name="later")
        m.d.sync += later.eq(value)
        value = later
    return value
