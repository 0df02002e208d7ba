"""From a quantised network to the structure of the hardware that runs it."""

from collections.abc import Iterable

import numpy as np

from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import FIELDS, Constant, Fields, Per
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .errors import MappingError

__all__ = ["check_fit", "field_values", "structure"]

_WEIGHT_WIDTHS = (2, 4, 8, 16)
_CAPACITIES = {
    "rows of weights": "weight_rows",
    "rows of neurons": "neuron_rows",
    "bits per weight": "weight_width",
    "bits per accumulator": "accumulator_width",
    "populations": "populations",
    "projections": "projections",
    "sources of spikes": "sources",
    "phases": "phases",
}
_LIMITS = {"populations": 64, "projections": 256, "sources": 512, "phases": 32}
_LOADABLE = frozenset({"decay", "threshold", "bias"})


def structure(quantised: QuantisedNetwork, target: Target) -> ChipConfig:
    """Configuration of the least hardware of ``target``'s shape that runs the network.

    Raises
    ------
    MappingError
        If the network does not fit; the message says what it needed and what there is.
    """
    lanes = target.lanes
    needed = _needs(quantised, lanes)
    width = _potential_width(quantised.neurons)
    weight_width = min((w for w in _WEIGHT_WIDTHS if w >= needed["weight_width"]), default=16)
    room = {
        **_LIMITS,
        "weight_rows": min(target.weight_rows, _addressable(target.lanes, weight_width)),
        "neuron_rows": target.neuron_rows,
        "weight_width": target.weight_width,
        "accumulator_width": target.accumulator_width,
    }
    for what, attribute in _CAPACITIES.items():
        _check_room(what, needed[attribute], room[attribute], f"target {target.name!r}")
    _check_room(
        "bits per membrane potential", width, target.potential_width, f"target {target.name!r}"
    )
    return ChipConfig(
        CoreConfig(
            lanes=lanes,
            update_lanes=target.update_lanes,
            weight_width=weight_width,
            accumulator_width=max(8, quantised.accumulator_width),
            fields=_fields(quantised.neurons, width),
            weight_rows=_deep(needed["weight_rows"]),
            neuron_rows=_deep(needed["neuron_rows"]),
            populations=_deep(needed["populations"]),
            projections=_deep(needed["projections"]),
            sources=_deep(needed["sources"]),
            phases=_deep(needed["phases"]),
            weight_ports=target.weight_ports,
        ),
        window=target.window,
    )


def check_fit(quantised: QuantisedNetwork, config: ChipConfig) -> None:
    """Check that hardware which exists already can run the network.

    Raises
    ------
    MappingError
        If it cannot; the message says what the network needed and what the hardware has.
    """
    core = config.core
    needed = _needs(quantised, core.lanes)
    for what, attribute in _CAPACITIES.items():
        _check_room(what, needed[attribute], getattr(core, attribute), "the hardware")
    width = _potential_width(quantised.neurons)
    if width != core.fields.width:
        raise MappingError(
            f"The network has membrane potentials of {width} bits, the hardware of "
            f"{core.fields.width}, which would saturate elsewhere; quantise the network with "
            f"potential_width={core.fields.width}"
        )
    for population in quantised.neurons:
        for name in FIELDS:
            _check_place(population, name, core.fields[name])


def field_values(population: QuantisedPopulation, name: str) -> np.ndarray:
    """Values of one neuron parameter, (size,) int64 array."""
    value = getattr(population.neuron, name)
    if name == "reset":
        value = value.value
    return np.broadcast_to(np.asarray(value, np.int64), population.size)


def _fields(populations: Iterable[QuantisedPopulation], width: int) -> Fields:
    """Place each parameter where it costs least.

    What is alike everywhere becomes part of the logic, except what training changes, so that a
    network trained again loads into the same hardware.
    """
    places: dict[str, Constant | Per] = {}
    for name in FIELDS:
        values = [field_values(population, name) for population in populations]
        everything = np.concatenate(values)
        if any(len(np.unique(v)) > 1 for v in values):
            places[name] = Per.NEURON
        elif name not in _LOADABLE and len(np.unique(everything)) == 1:
            places[name] = Constant(int(everything[0]))
    return Fields(places, width)


def _potential_width(populations: Iterable[QuantisedPopulation]) -> int:
    widths = {p.name: p.neuron.width for p in populations if p.neuron is not None}
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


def _needs(quantised: QuantisedNetwork, lanes: int) -> dict[str, int]:
    """What the network asks of a core, by the names of :class:`CoreConfig`."""
    return {
        "weight_rows": sum(
            len(p.weights) * -(-p.weights.shape[1] // lanes) for p in quantised.projections
        ),
        "neuron_rows": sum(-(-p.size // lanes) for p in quantised.neurons),
        "weight_width": quantised.weight_width,
        "accumulator_width": quantised.accumulator_width,
        "populations": len(quantised.neurons),
        "projections": len(quantised.projections),
        "sources": len(quantised.populations),
        "phases": max(quantised.phases.values()) + 1,
    }


def _addressable(lanes: int, weight_width: int) -> int:
    """Rows of weights that the address map has room for, a power of two."""
    return CoreConfig(lanes=lanes, update_lanes=1, weight_width=weight_width).most_weight_rows


def _check_room(what: str, needed: int, there: int, hardware: str) -> None:
    if needed > there:
        raise MappingError(
            f"The network needs {needed} {what}, {hardware} has {there}; "
            f"choose a larger target or a smaller network"
        )


def _check_place(population: QuantisedPopulation, name: str, place: Constant | Per) -> None:
    values = np.unique(field_values(population, name))
    if place is Per.POPULATION and len(values) > 1:
        raise MappingError(
            f"Neurons of population {population.name!r} differ in {name!r}, which the hardware "
            f"keeps once per population; generate hardware for this network"
        )
    if isinstance(place, Constant) and values.tolist() != [place.value]:
        raise MappingError(
            f"Population {population.name!r} has {name!r} at {int(values[0])}, the hardware was "
            f"generated with {place.value}; generate hardware for this network"
        )


def _deep(rows: int) -> int:
    return max(2, 1 << (rows - 1).bit_length())
