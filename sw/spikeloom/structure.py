"""From a quantised network to the structure of the hardware that runs it."""

from collections.abc import Sequence

from spikeloom_boards.target import Target
from spikeloom_hw.blocks import WHOLE, depths
from spikeloom_hw.config import REGION_WORDS, ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.registers import regions
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.quantised import QuantisedNetwork

from .errors import MappingError
from .field_places import check_fields, place_fields
from .room import CAPACITIES, Arrangement, Needs, check_capacities, check_room

__all__ = ["check_fit", "structure"]

_WEIGHT_WIDTHS = (2, 4, 8, 16)
# Rows from which on Yosys prefers RAM with a single port, which has no other use, to block RAM.
_SINGLE_PORT_ROWS = 8192
_LIMITS = {
    "populations": 64,
    "projections": 256,
    "sources": 512,
    "phases": 32,
    "payload_width": 16,
    "value_groups": 1 << 14,
    "taps": 1 << 14,
    "pointers": 1 << 16,
}


def structure(
    quantised: QuantisedNetwork,
    needs: Sequence[Needs],
    target: Target,
    learning: LearningConfig | None = None,
    arrangement: Arrangement | None = None,
) -> ChipConfig:
    """Configuration of the least hardware of ``target``'s shape that runs the network.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    needs : sequence of Needs
        Room that it asks of each core with the lanes of ``target``.
    target : Target
        Shape of the hardware.
    learning : LearningConfig or None
        The learning engine that it needs; None for none.
    arrangement : Arrangement or None
        The cores; None for one.

    Raises
    ------
    MappingError
        If the network does not fit; the message says what it needed and what there is. It is a
        RoomError if more cores might help.
    """
    hardware = f"target {target.name!r}"
    cores = arrangement or Arrangement()
    needed = _needed(quantised, needs)
    slots = _delay_slots(quantised, target.delay_slots, hardware)
    rows = _deep(max(needed["neuron_rows"], -(-needed["fan_out"] // target.lanes)))
    weight_width = min((w for w in _WEIGHT_WIDTHS if w >= needed["weight_width"]), default=16)
    synapse_width = weight_width + (rows - 1).bit_length() + (slots - 1).bit_length()
    synapse_width += bool(learning and learning.sparse)
    room = {
        **_LIMITS,
        "weight_rows": min(target.weight_rows, _addressable(target.lanes * weight_width)),
        "neuron_rows": target.neuron_rows,
        "weight_width": target.weight_width,
        "accumulator_width": target.accumulator_width,
        "synapse_rows": min(target.synapse_rows, _addressable(target.lanes * synapse_width)),
        "bases": needed["bases"],
    }
    check_capacities(needs, needed, room, hardware, cores)
    width = _potential_width(quantised)
    check_room("bits per membrane potential", width, target.potential_width, hardware)
    core = CoreConfig(
        lanes=target.lanes,
        update_lanes=target.update_lanes,
        weight_width=weight_width,
        accumulator_width=max(8, quantised.accumulator_width),
        fields=place_fields(quantised, width),
        neuron_rows=rows,
        weight_ports=target.weight_ports,
        delay_slots=slots,
        payload_width=needed["payload_width"],
        skip=target.skip,
        learning=learning,
        **_depths(needed, target),
    )
    config = ChipConfig(
        core,
        window=target.window,
        queue=target.queue,
        cores=cores.cores,
        parents=cores.parents,
    )
    _check_addresses(config)
    return config


def check_fit(quantised: QuantisedNetwork, needs: Sequence[Needs], config: ChipConfig) -> None:
    """Check that hardware which exists already can run the network.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    needs : sequence of Needs
        Room that it asks of each core with the lanes of ``config``.
    config : ChipConfig
        Structure of the hardware.

    Raises
    ------
    MappingError
        If it cannot; the message says what the network needed and what the hardware has.
    """
    core, hardware = config.core, "the hardware"
    needed = _needed(quantised, needs)
    room = {attribute: getattr(core, attribute) for attribute in CAPACITIES.values()}
    arrangement = Arrangement(config.cores, config.parents)
    check_capacities(needs, needed, room, hardware, arrangement)
    most = core.neuron_rows * core.lanes
    check_room("sparse synapses of one neuron", needed["fan_out"], most, hardware)
    _delay_slots(quantised, core.delay_slots, hardware)
    width = _potential_width(quantised)
    if width != core.fields.width:
        raise MappingError(
            f"The network has membrane potentials of {width} bits, the hardware of "
            f"{core.fields.width}, which would saturate elsewhere; quantise the network with "
            f"potential_width={core.fields.width}"
        )
    check_fields(quantised, core.fields)


def _potential_width(quantised: QuantisedNetwork) -> int:
    widths = {p.name: p.neuron.width for p in quantised.neurons if p.neuron is not None}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name!r} has {width}" for name, width in widths.items())
        raise MappingError(
            f"A core keeps all membrane potentials in one width, but {listed} bits; "
            f"quantise all populations with the same potential width"
        )
    width = next(iter(widths.values()))
    if width < 8:
        raise MappingError(f"A core keeps membrane potentials of at least 8 bits, not {width}")
    return width


def _needed(quantised: QuantisedNetwork, needs: Sequence[Needs]) -> dict[str, int]:
    """Most that the network asks of any core, by the names of :class:`CoreConfig`."""
    sources = {p.source for p in quantised.projections}
    learns = bool(plastic_projections(quantised.projections, quantised.phases))
    largest = max((quantised.population(name).largest_value for name in sources), default=1)
    return {
        **{name: max(getattr(one, name) for one in needs) for name in needs[0].named},
        "weight_width": quantised.weight_width,
        "accumulator_width": quantised.accumulator_width,
        "sources": len(quantised.populations),
        "phases": max(quantised.phases.values()) + 1 + learns,
        "payload_width": largest.bit_length() + 1 if largest > 1 else 0,
    }


def _delay_slots(quantised: QuantisedNetwork, most: int, hardware: str) -> int:
    """Slots that the longest delay needs, a power of two."""
    for projection in quantised.projections:
        if projection.longest_delay >= most:
            raise MappingError(
                f"Projection {projection} has a delay of {projection.longest_delay} steps, "
                f"{hardware} holds up to {most - 1}; chain a relay population that passes the "
                f"spikes on, or shorten the delay"
            )
    longest = max((p.longest_delay for p in quantised.projections), default=0)
    return 1 << longest.bit_length()


def _depths(needed: dict[str, int], target: Target) -> dict[str, int]:
    """Depths of the memories and tables; 0 for those that nothing needs."""
    always = ("populations", "projections", "sources", "phases")
    found = {name: _deep(needed[name]) for name in always}
    for name in ("value_groups", "taps", "pointers", "bases"):
        found[name] = _deep(needed[name]) if needed[name] else 0
    rows = needed["weight_rows"]
    least = min(_SINGLE_PORT_ROWS, target.weight_rows)
    single = target.weight_ports == 1
    found["weight_rows"] = max(least, _deep(rows)) if single else _blocks(rows)
    found["synapse_rows"] = _blocks(needed["synapse_rows"]) if needed["pointers"] else 0
    return found


def _check_addresses(config: ChipConfig) -> None:
    """Check that every memory keeps to its part of the address map."""
    for name, region in regions(config).items():
        words = region.rows * region.stride
        if words > REGION_WORDS:
            raise MappingError(
                f"The memory {name!r} would have {words} words, the address map has room for "
                f"{REGION_WORDS}; use fewer neurons or synapses, or shorter delays"
            )


def _addressable(width: int) -> int:
    """Rows of ``width`` bits that the address map has room for, a power of two."""
    words = -(-width // 32)
    return REGION_WORDS >> (words - 1).bit_length()


def _deep(rows: int) -> int:
    return max(2, 1 << (rows - 1).bit_length())


def _blocks(rows: int) -> int:
    """Depth of a large memory: what its blocks hold; a small one is a power of two."""
    return _deep(rows) if rows <= WHOLE else sum(depths(rows))
