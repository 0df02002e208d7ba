"""Where the hardware keeps each neuron parameter, and whether a network keeps to that."""

import numpy as np

from spikeloom_hw.neuron import FIELDS, Constant, Fields, Output, Per, Reset, Synapse
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .errors import MappingError

__all__ = ["check_fields", "field_values", "place_fields"]

_LOADABLE = frozenset({
    "decay",
    "threshold",
    "bias",
    "current_decay",
    "adaptation_decay",
    "adaptation_step",
})
_LEARNED = ("decay", "threshold")
_FIRING = frozenset({
    "threshold",
    "reset",
    "reset_value",
    "refractory",
    "inclusive",
    "adaptation_decay",
    "adaptation_step",
})


def field_values(population: QuantisedPopulation, name: str) -> np.ndarray:
    """Values of one neuron parameter, (size,) int64 array."""
    value = getattr(population.neuron, name)
    return np.broadcast_to(np.asarray(value, np.int64), population.size)


def place_fields(quantised: QuantisedNetwork, width: int) -> Fields:
    """Place each parameter where it costs least.

    What is alike everywhere becomes part of the logic, except what training changes, so that a
    network trained again loads into the same hardware. Populations to which a parameter makes no
    difference have no say.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    width : int
        Bits of the membrane potential.
    """
    places: dict[str, Constant | Per] = {}
    plastic = plastic_projections(quantised.projections, quantised.phases).values()
    learned = _LEARNED if any(p.rule.neurons for p in plastic) else ()
    for name in FIELDS:
        concerned = [p for p in quantised.neurons if _matters(p, name)]
        values = [field_values(p, name) for p in concerned or quantised.neurons[:1]]
        place = Per.NEURON if name in learned else _place(name, values, bool(concerned))
        if place != Fields({})[name]:
            places[name] = place
    return Fields(places, width)


def check_fields(quantised: QuantisedNetwork, fields: Fields) -> None:
    """Check that hardware with these places can hold every parameter of the network.

    Raises
    ------
    MappingError
        If it cannot; the message names the population and the parameter.
    """
    for population in quantised.neurons:
        for name in FIELDS:
            if _matters(population, name):
                _check_place(population, name, fields[name])


def _place(name: str, values: list[np.ndarray], concerns: bool) -> Constant | Per:
    everything = np.unique(np.concatenate(values))
    if not concerns:
        default = Fields({})[name]
        return default if isinstance(default, Constant) else Constant(int(everything[0]))
    if any(len(np.unique(value)) > 1 for value in values):
        return Per.NEURON
    if len(everything) == 1 and (name not in _LOADABLE or _unused(name, everything)):
        return Constant(int(everything[0]))
    return Per.POPULATION


def _unused(name: str, everything: np.ndarray) -> bool:
    """Whether nothing is built for a parameter that could be loaded."""
    return name == "adaptation_step" and not everything.any()


def _matters(population: QuantisedPopulation, name: str) -> bool:
    """Whether a parameter makes a difference to the neurons of a population."""
    neuron = population.neuron
    if neuron is None:
        return False
    if name in _FIRING and neuron.output in (Output.VALUE, Output.SILENT):
        return False
    conditions = {
        "reset_value": neuron.reset is Reset.TO_VALUE or np.any(neuron.refractory),
        "current_decay": neuron.synapse is not Synapse.NONE,
        "adaptation_decay": np.any(neuron.adaptation_step),
        "inhibition": neuron.winner,
        "seed": neuron.noise,
    }
    return bool(conditions.get(name, True))


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
