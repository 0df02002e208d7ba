"""From a quantised network to the structure of the hardware that runs it."""

from collections.abc import Iterable

import numpy as np

from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import FIELDS, Constant, Fields, Per
from spikeloom_hw.number import Signed
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .errors import MappingError

__all__ = ["field_values", "structure"]

_WEIGHT_WIDTHS = (2, 4, 8, 16)
_LOADABLE = frozenset({"decay", "threshold", "bias"})


def structure(quantised: QuantisedNetwork, target: Target) -> ChipConfig:
    """Configuration of the least hardware of ``target``'s shape that runs the network.

    Raises
    ------
    MappingError
        If the network does not fit; the message says what it needed and what there is.
    """
    lanes = target.lanes
    neuron_rows = sum(-(-p.size // lanes) for p in quantised.neurons)
    weight_rows = sum(
        len(p.weights) * -(-p.weights.shape[1] // lanes) for p in quantised.projections
    )
    phases = max(quantised.phases.values()) + 1
    width = _potential_width(quantised.neurons)
    _check_room("rows of weights", weight_rows, target.weight_rows, target)
    _check_room("rows of neurons", neuron_rows, target.neuron_rows, target)
    _check_room("bits per weight", quantised.weight_width, target.weight_width, target)
    _check_room(
        "bits per accumulator", quantised.accumulator_width, target.accumulator_width, target
    )
    _check_room("bits per membrane potential", width, target.potential_width, target)
    _check_room("populations", len(quantised.neurons), 64, target)
    _check_room("sources of spikes", len(quantised.populations), 512, target)
    _check_room("projections", len(quantised.projections), 256, target)
    _check_room("phases", phases, 32, target)
    return ChipConfig(
        CoreConfig(
            lanes=lanes,
            update_lanes=target.update_lanes,
            weight_width=min(w for w in _WEIGHT_WIDTHS if w >= quantised.weight_width),
            accumulator_width=max(8, quantised.accumulator_width),
            fields=_fields(quantised.neurons, width),
            weight_rows=_deep(weight_rows),
            neuron_rows=_deep(neuron_rows),
            populations=_deep(len(quantised.neurons)),
            projections=_deep(len(quantised.projections)),
            sources=_deep(len(quantised.populations)),
            phases=_deep(phases),
            weight_ports=target.weight_ports,
        )
    )


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
    if width < Signed(width).width or width < 8:
        raise MappingError(f"A core keeps membrane potentials of at least 8 bits, not {width}")
    return width


def _check_room(what: str, needed: int, there: int, target: Target) -> None:
    if needed > there:
        raise MappingError(
            f"The network needs {needed} {what}, target {target.name!r} has {there}; "
            f"choose a larger target or a smaller network"
        )


def _deep(rows: int) -> int:
    return max(2, 1 << (rows - 1).bit_length())
