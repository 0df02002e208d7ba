"""Room that a network asks of the memories of the cores, and whether it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from .errors import MappingError

__all__ = ["CAPACITIES", "Arrangement", "Needs", "RoomError", "check_capacities", "check_room"]

CAPACITIES = {
    "rows of weights": "weight_rows",
    "rows of neurons": "neuron_rows",
    "bits per weight": "weight_width",
    "bits per accumulator": "accumulator_width",
    "populations": "populations",
    "projections": "projections",
    "sources of spikes": "sources",
    "phases": "phases",
    "bits per graded value": "payload_width",
    "groups of neurons that send values": "value_groups",
    "entries in a table of convolutions": "taps",
    "pointers of sparse projections": "pointers",
    "rows of sparse synapses": "synapse_rows",
    "rows before the last slice": "bases",
}
"""Members of a CoreConfig that limit a network, by what they are called."""


class RoomError(MappingError):
    """A core has no room for its part of a network; on more cores, it may have."""


@dataclass(frozen=True)
class Arrangement:
    """How many cores there are, and how they hang together.

    Parameters
    ----------
    cores : int
        Cores of a chip.
    parents : tuple of int
        Parents of the chips, see :class:`~spikeloom_hw.config.ChipConfig`.
    advice : str
        What to do where a core has too little room.
    """

    cores: int = 1
    parents: tuple[int, ...] = ()
    advice: str = "choose a larger target or a smaller network"

    @property
    def count(self) -> int:
        """Cores of all chips."""
        return self.cores * (1 + len(self.parents))


@dataclass(frozen=True)
class Needs:
    """Room that the part of a network on one core asks of its memories.

    Parameters
    ----------
    weight_rows, neuron_rows : int
        Rows of weights and of neurons.
    populations, projections : int
        Slices of populations, and projections into them.
    value_groups : int
        Update groups of the populations that send values.
    taps, pointers, synapse_rows : int
        Entries of the longest table of convolutions, and of the memories of sparse projections.
    fan_out : int
        Most synapses of a neuron in a sparse projection.
    bases : int
        One more than the row of a population in which a slice begins; 0 if nothing is cut.
    """

    weight_rows: int
    neuron_rows: int
    populations: int
    projections: int
    value_groups: int = 0
    taps: int = 0
    pointers: int = 0
    synapse_rows: int = 0
    fan_out: int = 0
    bases: int = 0

    @property
    def named(self) -> dict[str, int]:
        """All of them, by the names of :class:`~spikeloom_hw.config.CoreConfig`."""
        return asdict(self)


def check_capacities(
    needs: Sequence[Needs],
    needed: Mapping[str, int],
    room: Mapping[str, int],
    hardware: str,
    arrangement: Arrangement,
) -> None:
    """Check that every core has the room that is asked of it.

    Parameters
    ----------
    needs : sequence of Needs
        What is asked of each core.
    needed : Mapping of str to int
        The most that is asked of any, and what the network asks of all, by names of CoreConfig.
    room : Mapping of str to int
        What there is.
    hardware : str
        What has it, for the message.
    arrangement : Arrangement
        The cores.

    Raises
    ------
    MappingError
        If something is short; a RoomError if more cores may help.
    """
    for what, attribute in CAPACITIES.items():
        there, wanted = room[attribute], [one.named.get(attribute, 0) for one in needs]
        if arrangement.count > 1 and max(wanted) > there:
            core = wanted.index(max(wanted))
            raise RoomError(
                f"Core {core} of {arrangement.count} needs {wanted[core]} {what}, "
                f"{wanted[core] - there} more than a core of {hardware} has, {there}; "
                f"{arrangement.advice}"
            )
        error = RoomError if attribute in needs[0].named else MappingError
        check_room(what, needed[attribute], there, hardware, error)


def check_room(
    what: str, needed: int, there: int, hardware: str, error: type[MappingError] = MappingError
) -> None:
    """Raise ``error`` if more is needed than there is."""
    if needed > there:
        raise error(
            f"The network needs {needed} {what}, {hardware} has {there}; "
            f"choose a larger target or a smaller network"
        )
