"""What travels with a neuron through the stages of a lane."""

from typing import Any

from amaranth.hdl import Const, Module, Signal, Value

from ..number import Signed
from .fields import Constant, Fields, Per

__all__ = ["Stages"]


class Stages:
    """Values of a lane by stage: stage 0 sees the inputs, each later one a cycle after.

    Parameters
    ----------
    m : Module
        The registers are added to its domain ``sync``.
    places : Fields
        Where the parameters are kept; those kept per neuron travel with it.
    inputs : Component
        The lane, whose inputs stage 0 sees.

    Attributes
    ----------
    number : Signed
        Format of the potential and of the current.
    """

    def __init__(self, m: Module, places: Fields, inputs: Any) -> None:
        self.m = m
        self.places = places
        self.inputs = inputs
        self.number = Signed(places.width)
        self._travelling = places.kept(Per.NEURON)
        self._chains: dict[str, list[Value]] = {}

    def now(self, value: Any) -> Signal:
        """Give ``value`` a signal, so that it is built once however often it is used."""
        value = Value.cast(value)
        signal = Signal(value.shape(), name="now")
        self.m.d.comb += signal.eq(value)
        return signal

    def later(self, value: Any, stages: int = 1) -> Value:
        """Delay ``value`` by ``stages`` cycles."""
        return self._extend([Value.cast(value)], stages)

    def field(self, name: str, stage: int) -> Value:
        """Parameter of the neuron in stage ``stage``."""
        place = self.places[name]
        if isinstance(place, Constant):
            return Const(place.value, self.places.shape(name))
        value = Value.cast(self.inputs.fields[name])
        if name not in self._travelling:
            return value
        return self._extend(self._chains.setdefault(name, [value]), stage)

    def _extend(self, chain: list[Value], stages: int) -> Value:
        while len(chain) <= stages:
            following = Signal(chain[-1].shape(), name="later")
            self.m.d.sync += following.eq(chain[-1])
            chain.append(following)
        return chain[stages]
