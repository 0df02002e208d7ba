"""Targets: the hardware that a network can be compiled for, and what it has room for."""

from dataclasses import dataclass, replace

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """Shape of the hardware to generate, and its limits.

    The memories are generated as deep as the network needs, up to these limits.

    Parameters
    ----------
    name : str
        Name on the command line.
    summary : str
        One line for people.
    lanes : int
        Synapses integrated per cycle (L).
    update_lanes : int
        Neurons updated per cycle (U).
    weight_rows : int
        Most rows of ``lanes`` weights.
    neuron_rows : int
        Most rows of ``lanes`` neurons.
    weight_width, accumulator_width, potential_width : int
        Most bits of a weight, an accumulator, a membrane potential.
    synapse_rows : int
        Most rows of ``lanes`` sparse synapses.
    delay_slots : int
        Most accumulators of a neuron, a power of two up to 64; the longest delay is one less.
    skip : bool
        Whether rows of neurons that would reproduce themselves are skipped.
    weight_ports : int
        1 if the weights lie in a memory with a single port.
    window : int
        Bytes that the host may send ahead; as many are kept in block RAM.
    queue : int
        Event words of the host in a queue of their own; 0 for none but the window.
    fixed_rules : bool
        Whether what all learning rules of a network have in common becomes part of the hardware,
        numbers included; if not, only what decides which logic there is.
    cores : int
        Most cores of a chip.
    chips : int
        Most chips.
    shared : bool
        Whether the rows above are those of a chip, of which each core has an even part; else
        they are those of each core.
    """

    name: str
    summary: str
    lanes: int
    update_lanes: int
    weight_rows: int
    neuron_rows: int
    weight_width: int = 16
    accumulator_width: int = 32
    potential_width: int = 24
    synapse_rows: int = 1 << 16
    delay_slots: int = 64
    skip: bool = False
    weight_ports: int = 2
    window: int = 2048
    queue: int = 32
    fixed_rules: bool = False
    cores: int = 1
    chips: int = 1
    shared: bool = False

    def share(self, cores: int) -> "Target":
        """The target as one of so many cores of a chip sees it."""
        if not self.shared or cores == 1:
            return self
        rows = ("weight_rows", "neuron_rows", "synapse_rows")
        return replace(self, **{name: getattr(self, name) // cores for name in rows})


def _generic(lanes: int, update_lanes: int) -> Target:
    return Target(
        name=f"generic-{lanes}",
        summary=f"any device: {lanes} lanes, {update_lanes} update lanes, memories as needed",
        lanes=lanes,
        update_lanes=update_lanes,
        weight_rows=(1 << 22) // lanes,
        neuron_rows=(1 << 16) // lanes,
        synapse_rows=(1 << 20) // lanes,
        skip=True,
        cores=16,
        chips=7,
    )


def _small(name: str, summary: str, weight_ports: int, weight_rows: int) -> Target:
    """Shape of a device of some thousand lookup tables."""
    return Target(
        name=name,
        summary=f"{summary}: 8 lanes, 1 update lane",
        lanes=8,
        update_lanes=1,
        weight_rows=weight_rows,
        neuron_rows=256,
        weight_width=8,
        accumulator_width=20,
        potential_width=20,
        synapse_rows=256,
        delay_slots=16,
        weight_ports=weight_ports,
        window=512,
        queue=0,
        fixed_rules=True,
    )


def _large(name: str, summary: str, lanes: int, weight_rows: int, cores: int = 1) -> Target:
    """Shape of a device of ten thousand lookup tables or more."""
    return Target(
        name=name,
        summary=f"{summary}: {lanes} lanes, {lanes // 4} update lanes",
        lanes=lanes,
        update_lanes=lanes // 4,
        weight_rows=weight_rows,
        neuron_rows=4096 // lanes,
        synapse_rows=16384 // lanes,
        delay_slots=32,
        cores=cores,
        shared=True,
    )


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        _generic(4, 1),
        _generic(8, 1),
        _generic(16, 4),
        _generic(32, 8),
        _generic(64, 16),
        Target(
            name="up5k",
            summary="shape of an iCE40UP5K: 8 lanes, weights in RAM with a single port",
            lanes=8,
            update_lanes=1,
            weight_rows=16384,
            neuron_rows=256,
            weight_width=8,
            accumulator_width=18,
            potential_width=18,
            synapse_rows=256,
            delay_slots=16,
            weight_ports=1,
            window=512,
            queue=0,
            fixed_rules=True,
        ),
        _small("icebreaker", "the iCEBreaker, weights in RAM with a single port", 1, 32768),
        _large("ulx3s-85f", "the ULX3S with the 85F", 32, 20480, 4),
        _large("ulx3s-12f", "the ULX3S with the 12F", 16, 5120),
        _large("orangecrab-25f", "the OrangeCrab with the 25F", 16, 9216),
        _large("ecpix5-45", "the ECPIX-5 with the 45F", 32, 10240),
        _large("ecpix5-85", "the ECPIX-5 with the 85F", 32, 20480, 4),
        _small("tang-nano-9k", "the Tang Nano 9K", 2, 7168),
        _large("tang-nano-20k", "the Tang Nano 20K", 16, 8192),
        _large("arty-a7-35", "the Arty A7-35T", 16, 16384),
        _large("arty-a7-100", "the Arty A7-100T", 32, 26624, 4),
    )
}
"""Targets by name."""
