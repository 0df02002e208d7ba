"""From a quantised network to the structure of the hardware that runs it."""

from dataclasses import asdict, dataclass

from spikeloom_boards.target import Target
from spikeloom_hw.blocks import WHOLE, depths
from spikeloom_hw.config import REGION_WORDS, ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.registers import regions
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.quantised import QuantisedNetwork

from .errors import MappingError
from .field_places import check_fields, place_fields

__all__ = ["Needs", "check_fit", "structure"]

_WEIGHT_WIDTHS = (2, 4, 8, 16)
# Rows from which on Yosys prefers RAM with a single port, which has no other use, to block RAM.
_SINGLE_PORT_ROWS = 8192
_CAPACITIES = {
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
}
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


@dataclass(frozen=True)
class Needs:
    """Room that a network asks of the memories of a core.

    Parameters
    ----------
    weight_rows, neuron_rows : int
        Rows of weights and of neurons.
    value_groups : int
        Update groups of the populations that send values.
    taps, pointers, synapse_rows : int
        Entries of the longest table of convolutions, and of the memories of sparse projections.
    fan_out : int
        Most synapses of a neuron in a sparse projection.
    """

    weight_rows: int
    neuron_rows: int
    value_groups: int = 0
    taps: int = 0
    pointers: int = 0
    synapse_rows: int = 0
    fan_out: int = 0


def structure(
    quantised: QuantisedNetwork,
    needs: Needs,
    target: Target,
    learning: LearningConfig | None = None,
) -> ChipConfig:
    """Configuration of the least hardware of ``target``'s shape that runs the network.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    needs : Needs
        Room that it asks of a core with the lanes of ``target``.
    target : Target
        Shape of the hardware.
    learning : LearningConfig or None
        The learning engine that it needs; None for none.

    Raises
    ------
    MappingError
        If the network does not fit; the message says what it needed and what there is.
    """
    hardware = f"target {target.name!r}"
    needed = _needed(quantised, needs)
    slots = _delay_slots(quantised, target.delay_slots, hardware)
    rows = _deep(max(needs.neuron_rows, -(-needs.fan_out // target.lanes)))
    weight_width = min((w for w in _WEIGHT_WIDTHS if w >= needed["weight_width"]), default=16)
    synapse_width = weight_width + (rows - 1).bit_length() + (slots - 1).bit_length()
    room = {
        **_LIMITS,
        "weight_rows": min(target.weight_rows, _addressable(target.lanes * weight_width)),
        "neuron_rows": target.neuron_rows,
        "weight_width": target.weight_width,
        "accumulator_width": target.accumulator_width,
        "synapse_rows": min(target.synapse_rows, _addressable(target.lanes * synapse_width)),
    }
    for what, attribute in _CAPACITIES.items():
        _check_room(what, needed[attribute], room[attribute], hardware)
    width = _potential_width(quantised)
    _check_room("bits per membrane potential", width, target.potential_width, hardware)
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
    config = ChipConfig(core, window=target.window, queue=target.queue)
    _check_addresses(config)
    return config


def check_fit(quantised: QuantisedNetwork, needs: Needs, config: ChipConfig) -> None:
    """Check that hardware which exists already can run the network.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    needs : Needs
        Room that it asks of a core with the lanes of ``config``.
    config : ChipConfig
        Structure of the hardware.

    Raises
    ------
    MappingError
        If it cannot; the message says what the network needed and what the hardware has.
    """
    core, hardware = config.core, "the hardware"
    needed = _needed(quantised, needs)
    for what, attribute in _CAPACITIES.items():
        _check_room(what, needed[attribute], getattr(core, attribute), hardware)
    most = core.neuron_rows * core.lanes
    _check_room("sparse synapses of one neuron", needs.fan_out, most, hardware)
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


def _needed(quantised: QuantisedNetwork, needs: Needs) -> dict[str, int]:
    """What the network asks of a core, by the names of :class:`CoreConfig`."""
    sources = {p.source for p in quantised.projections}
    learns = bool(plastic_projections(quantised.projections, quantised.phases))
    largest = max((quantised.population(name).largest_value for name in sources), default=1)
    return {
        **asdict(needs),
        "weight_width": quantised.weight_width,
        "accumulator_width": quantised.accumulator_width,
        "populations": len(quantised.neurons),
        "projections": len(quantised.projections),
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
    for name in ("value_groups", "taps", "pointers"):
        found[name] = _deep(needed[name]) if needed[name] else 0
    rows = needed["weight_rows"]
    least = min(_SINGLE_PORT_ROWS, target.weight_rows)
    single = target.weight_ports == 1
    found["weight_rows"] = max(least, _deep(rows)) if single else _blocks(rows)
    found["synapse_rows"] = _blocks(needed["synapse_rows"]) if needed["pointers"] else 0
    return found


def _check_room(what: str, needed: int, there: int, hardware: str) -> None:
    if needed > there:
        raise MappingError(
            f"The network needs {needed} {what}, {hardware} has {there}; "
            f"choose a larger target or a smaller network"
        )


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
