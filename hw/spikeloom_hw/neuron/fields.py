"""Where each neuron parameter is kept: in the logic, once per population, or once per neuron."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from ..number import DECAY_ONE, DECAY_WIDTH, Signed

__all__ = [
    "FIELDS",
    "MOST_NOISE",
    "MOST_SPIKES",
    "NOISE_WIDTH",
    "OPTIONAL",
    "PER_NEURON",
    "REFRACTORY_WIDTH",
    "SEED_WIDTH",
    "SHIFT_WIDTH",
    "Constant",
    "Fields",
    "Leak",
    "Output",
    "Per",
    "Reset",
    "Synapse",
]

MOST_NOISE = 16
"""Greatest number of bits of the noise."""

REFRACTORY_WIDTH = 4
SHIFT_WIDTH = 3
NOISE_WIDTH = MOST_NOISE.bit_length()
SEED_WIDTH = 16

MOST_SPIKES = 31
"""Greatest number of spikes that a neuron with :attr:`Output.COUNT` sends in one step."""

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
    "leak",
    "synapse",
    "current_decay",
    "adaptation_decay",
    "adaptation_step",
    "output",
    "winner",
    "inhibition",
    "noise",
    "seed",
)
"""Parameters of a neuron, in the order in which the memory layouts hold them."""

OPTIONAL = (
    "leak",
    "synapse",
    "current_decay",
    "adaptation_decay",
    "adaptation_step",
    "output",
    "winner",
    "inhibition",
    "noise",
    "seed",
)
"""Fields that are constantly 0, and so cost nothing, unless a place is named for them."""

PER_NEURON = (
    "decay",
    "threshold",
    "bias",
    "reset_value",
    "minimum",
    "refractory",
    "current_decay",
    "adaptation_decay",
    "adaptation_step",
)
"""Fields that may differ from neuron to neuron."""


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


class Leak(enum.IntEnum):
    """How the membrane potential decays, and so what the field ``decay`` means.

    ``MULTIPLY`` keeps ``decay / 4096`` of it; ``SHIFT`` takes ``2**-decay`` of it, rounded away
    from zero; ``LINEAR`` brings it ``decay`` nearer to 0.
    """

    MULTIPLY = 0
    SHIFT = 1
    LINEAR = 2


class Synapse(enum.IntEnum):
    """Whether the input passes through a decaying current, and which one the membrane sees.

    ``NONE`` has no current. ``NEW`` adds the current after its update to the membrane, as
    snnTorch's ``Synaptic`` does; ``OLD`` the one before it, as Norse and NIR's reference do.
    """

    NONE = 0
    NEW = 1
    OLD = 2


class Output(enum.IntEnum):
    """What leaves a neuron.

    ``SPIKE`` at most one a step; ``COUNT`` a graded event with the number of spikes of the step,
    up to :data:`MOST_SPIKES`; ``VALUE`` no spikes, but the potential after every step, to the
    host; ``SILENT`` nothing.
    """

    SPIKE = 0
    COUNT = 1
    VALUE = 2
    SILENT = 3

    @property
    def dtype(self) -> Any:
        """Dtype of arrays of what is sent: bool, uint8 for COUNT, int64 for VALUE."""
        return {Output.COUNT: np.uint8, Output.VALUE: np.int64}.get(self, np.bool_)


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
        Overrides by field name of :data:`FIELDS`; a field not named is kept per population, but
        one of :data:`OPTIONAL` is constantly 0.
    width : int
        Bits of the membrane potential.
    """

    places: Mapping[str, Constant | Per]
    width: int = 18

    def __post_init__(self) -> None:
        for name, place in self.places.items():
            if name not in FIELDS:
                raise ValueError(f"Neuron field must be one of {', '.join(FIELDS)}, not {name!r}")
            if place is Per.NEURON and name not in PER_NEURON:
                raise ValueError(f"Neuron field {name!r} cannot be kept per neuron")
            if isinstance(place, Constant):
                self._check(name, place.value)

    def _check(self, name: str, value: int) -> None:
        shape = self.shape(name)
        low = -(1 << (shape.width - 1)) if shape.signed else 0
        high = low + (1 << shape.width) - 1
        if not low <= value <= high:
            raise ValueError(
                f"Neuron field {name!r} must lie between {low} and {high}, the constant {value} "
                "does not"
            )

    def __getitem__(self, name: str) -> Constant | Per:
        """Place of the field ``name``."""
        return self.places.get(name, Constant(0) if name in OPTIONAL else Per.POPULATION)

    def shape(self, name: str) -> Shape:
        """Shape of the field ``name``."""
        shapes = {
            "decay": unsigned(self._decay_width),
            "reset": Shape.cast(Reset),
            "refractory": unsigned(REFRACTORY_WIDTH),
            "inclusive": unsigned(1),
            "shift": unsigned(SHIFT_WIDTH),
            "leak": Shape.cast(Leak),
            "synapse": Shape.cast(Synapse),
            "current_decay": unsigned(DECAY_WIDTH),
            "adaptation_decay": unsigned(DECAY_WIDTH),
            "adaptation_step": unsigned(self.width - 1),
            "output": Shape.cast(Output),
            "winner": unsigned(1),
            "inhibition": unsigned(self.width - 1),
            "noise": unsigned(NOISE_WIDTH),
            "seed": unsigned(SEED_WIDTH),
        }
        return shapes.get(name, signed(self.width))

    @property
    def _decay_width(self) -> int:
        """Bits that the widest of the leaks that may be needs."""
        widths = {Leak.MULTIPLY: DECAY_WIDTH, Leak.SHIFT: 4, Leak.LINEAR: self.width - 1}
        return max(width for leak, width in widths.items() if self.may("leak", leak))

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
        if self["synapse"] != Constant(Synapse.NONE):
            members["current"] = Signed(self.width).shape
        if self["adaptation_step"] != Constant(0):
            members["adaptation"] = unsigned(self.width - 1)
        return data.StructLayout(members)

    def may(self, name: str, *values: int) -> bool:
        """Whether the field ``name`` may have one of ``values`` in some population."""
        place = self[name]
        return not isinstance(place, Constant) or place.value in values

    @property
    def value_width(self) -> int:
        """Bits of a value that a neuron may send; 0 if none sends any."""
        counts = MOST_SPIKES.bit_length() + 1 if self.may("output", Output.COUNT) else 0
        return max(counts, self.width if self.may("output", Output.VALUE) else 0)

    @property
    def noisy(self) -> bool:
        """Whether any neuron may have noise."""
        return self["noise"] != Constant(0)

    @property
    def leaks(self) -> bool:
        """Whether any potential may leak by a product, so that a multiplier is needed."""
        return self.may("leak", Leak.MULTIPLY) and self["decay"] != Constant(DECAY_ONE)
