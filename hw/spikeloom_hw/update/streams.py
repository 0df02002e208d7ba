"""What the update gives to the emitter."""

from amaranth.hdl import signed
from amaranth.lib import data

from ..config import CoreConfig

__all__ = ["spikes_layout", "values_layout"]


def spikes_layout(config: CoreConfig) -> data.StructLayout:
    """Spike bits of one update group, its population, and its number in the whole population.

    Groups of a word of the spike map come one behind the other, the last of a population with
    ``last``, if it is processed.
    """
    return data.StructLayout({
        "bits": config.update_lanes,
        "source": range(config.sources),
        "group": range(config.numbers),
        "last": 1,
    })


def values_layout(config: CoreConfig) -> data.StructLayout:
    """Values of one update group, which neurons send one, and whether they are for the host."""
    width = max(1, config.fields.value_width)
    return data.StructLayout({
        "mask": config.update_lanes,
        "values": data.ArrayLayout(signed(width), config.update_lanes),
        "readout": 1,
        "source": range(config.sources),
        "group": range(config.numbers),
    })
