"""Where each neuron parameter is kept: in the logic, once per population, or once per neuron."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from ..number import DECAY_ONE, DECAY_WIDTH, Signed

__all__ = ["FIELDS", "REFRACTORY_WIDTH", "SHIFT_WIDTH", "Constant", "Fields", "Per", "Reset"]

REFRACTORY_WIDTH = 4
SHIFT_WIDTH = 3

FIELDS = (
    "decay",
    "threshold",
    "bias",
    "reset",
    "reset_value",
    "minimum",
    "refractory",
    "inclusive",
    "shift",
)
"""Parameters of a neuron, in the order in which the memory layouts hold them."""

_POPULATION_ONLY = frozenset({"reset", "inclusive", "shift"})


class Reset(enum.IntEnum):
    """What a spike does to the membrane potential.

    ``TO_VALUE`` sets it to the reset value, ``SUBTRACT`` takes the threshold from it, ``NONE``
    leaves it. ``SUBTRACT_DELAYED`` takes the threshold one step later, after the decay, as
    snnTorch's ``reset_delay=True`` does.
    """

    TO_VALUE = 0
    SUBTRACT = 1
    NONE = 2
    SUBTRACT_DELAYED = 3


class Per(enum.Enum):
    """A field kept in memory, once for each population or once for each neuron."""

    POPULATION = "population"
    NEURON = "neuron"


@dataclass(frozen=True)
class Constant:
    """A field fixed when the hardware is generated."""

    value: int


@dataclass(frozen=True)
class Fields:
    """Place of each neuron parameter; what is constant costs nothing.

    Parameters
    ----------
    places : Mapping of str to Constant or Per
        Overrides by field name of :data:`FIELDS`; a field not named is kept per population.
        ``reset``, ``inclusive`` and ``shift`` cannot be kept per neuron.
    width : int
        Bits of the membrane potential.
    """

    places: Mapping[str, Constant | Per]
    width: int = 18

    def __post_init__(self) -> None:
        for name, place in self.places.items():
            if name not in FIELDS:
                raise ValueError(f"Neuron field must be one of {', '.join(FIELDS)}, not {name!r}")
            if place is Per.NEURON and name in _POPULATION_ONLY:
                raise ValueError(f"Neuron field {name!r} cannot be kept per neuron")

    def __getitem__(self, name: str) -> Constant | Per:
        """Place of the field ``name``."""
        return self.places.get(name, Per.POPULATION)

    def shape(self, name: str) -> Shape:
        """Shape of the field ``name``."""
        shapes = {
            "decay": unsigned(DECAY_WIDTH),
            "reset": Shape.cast(Reset),
            "refractory": unsigned(REFRACTORY_WIDTH),
            "inclusive": unsigned(1),
            "shift": unsigned(SHIFT_WIDTH),
        }
        return shapes.get(name, signed(self.width))

    def kept(self, per: Per) -> dict[str, Shape]:
        """Fields that are kept once for each ``per``, with their shapes."""
        return {name: self.shape(name) for name in FIELDS if self[name] is per}

    @property
    def layout(self) -> data.StructLayout:
        """Every field, as a lane receives them."""
        return data.StructLayout({name: self.shape(name) for name in FIELDS})

    @property
    def state(self) -> data.StructLayout:
        """State of one neuron: only what the fields can make use of."""
        members: dict[str, Shape] = {"potential": Signed(self.width).shape}
        if self["refractory"] != Constant(0):
            members["refractory"] = unsigned(REFRACTORY_WIDTH)
        reset = self["reset"]
        if not isinstance(reset, Constant) or reset.value == Reset.SUBTRACT_DELAYED.value:
            members["fired"] = unsigned(1)
        return data.StructLayout(members)

    @property
    def leaks(self) -> bool:
        """Whether any neuron may leak, so that a multiplier is needed."""
        return self["decay"] != Constant(DECAY_ONE)
