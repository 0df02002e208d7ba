"""A quantised network in words and numbers, and the room that it asks of a target."""

from typing import Any

import numpy as np

from spikeloom_boards.target import Target
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Leak, NeuronParameters, Output, Reset, Synapse
from spikeloom_hw.number import DECAY_ONE
from spikeloom_sim.projection import Convolution, Projection
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from ..mapping.spreading import Spreading

__all__ = ["describe_populations", "describe_projections", "find_room"]

_SENDS = {
    Output.SPIKE: "spikes",
    Output.COUNT: "counts",
    Output.VALUE: "potentials",
    Output.SILENT: "nothing",
}
_LEAKS = {Leak.MULTIPLY: "", Leak.SHIFT: "shift leak", Leak.LINEAR: "linear leak"}
_CURRENTS = {Synapse.NONE: "", Synapse.NEW: "new current", Synapse.OLD: "old current"}
_RESETS = {
    Reset.TO_VALUE: "reset to value",
    Reset.SUBTRACT: "reset by subtraction",
    Reset.NONE: "no reset",
    Reset.SUBTRACT_DELAYED: "reset a step later",
}


def describe_populations(quantised: QuantisedNetwork) -> list[dict[str, Any]]:
    """Tell size, kind, phase and head-room of the accumulators of each population.

    Returns
    -------
    list of dict
        One for each population, fit for JSON; inputs have neither phase nor accumulators.
    """
    listed = []
    for population in quantised.populations:
        phase = largest = bits = None
        if population.neuron is not None:
            phase = quantised.phases[population.name]
            largest = int(np.max(quantised.largest_input(population.name)))
            bits = largest.bit_length() + 1
        shape = population.shape
        listed.append({
            "name": population.name,
            "neurons": population.size,
            "shape": None if shape is None else "x".join(map(str, shape)),
            "model": "input" if population.neuron is None else _model(population.neuron),
            "sends": _sends(population),
            "phase": phase,
            "largest_input": largest,
            "accumulator_bits_needed": bits,
            "accumulator_bits": quantised.accumulator_width if bits else None,
        })
    return listed


def describe_projections(quantised: QuantisedNetwork) -> list[dict[str, Any]]:
    """Tell kind, form, delays and synapses of each projection.

    Returns
    -------
    list of dict
        One for each projection, fit for JSON.
    """
    return [
        {
            "source": p.source,
            "target": p.target,
            "kind": type(p).__name__.lower(),
            "form": _form(p),
            "pre": p.shape[0],
            "post": p.shape[1],
            "delay": p.delay,
            "longest_delay": p.longest_delay,
            "synapses": int(p.operations.sum()),
            "weights": p.weights.size,
            "weights_not_0": int(np.count_nonzero(p.weights)),
        }
        for p in quantised.projections
    ]


def find_room(quantised: QuantisedNetwork, target: Target) -> dict[str, dict[str, int]]:
    """Tell what the network needs of the target, and what there is.

    Returns
    -------
    dict of str to dict
        ``needed`` and ``there`` of each resource.

    Raises
    ------
    MappingError
        If a population cannot be laid out as a convolution needs it.
    """
    plan = Spreading(quantised, target.lanes, target.update_lanes, {}).whole(target.synapse_rows)
    (needs,) = plan.needs(target.update_lanes)
    longest = max((p.longest_delay for p in quantised.projections), default=0)
    potential = max(p.neuron.width for p in quantised.neurons if p.neuron is not None)
    # Wide rows take more of the address map.
    width = min((w for w in (2, 4, 8, 16) if w >= quantised.weight_width), default=16)
    core = CoreConfig(lanes=target.lanes, update_lanes=target.update_lanes, weight_width=width)
    pairs = {
        "weight_rows": (needs.weight_rows, min(target.weight_rows, core.most_weight_rows)),
        "synapse_rows": (needs.synapse_rows, target.synapse_rows),
        "neuron_rows": (needs.neuron_rows, target.neuron_rows),
        "longest_delay": (longest, target.delay_slots - 1),
        "weight_width": (quantised.weight_width, target.weight_width),
        "accumulator_width": (quantised.accumulator_width, target.accumulator_width),
        "potential_width": (potential, target.potential_width),
    }
    return {name: {"needed": needed, "there": there} for name, (needed, there) in pairs.items()}


def _model(neuron: NeuronParameters) -> str:
    """What kind of neuron it is, in a few words."""
    still = 0 if neuron.leak is Leak.LINEAR else DECAY_ONE
    leaks = neuron.leak is Leak.SHIFT or bool(np.any(np.asarray(neuron.decay) != still))
    fires = neuron.output in (Output.SPIKE, Output.COUNT)
    kind = "IF" if fires else "I"
    words = [
        f"L{kind}" if leaks else kind,
        _LEAKS[neuron.leak] if leaks else "",
        _CURRENTS[neuron.synapse],
        f"{neuron.noise}-bit noise" if neuron.noise else "",
    ]
    if fires:
        words += [
            _RESETS[neuron.reset],
            "adaptive" if np.any(neuron.adaptation_step) else "",
            "refractory" if np.any(neuron.refractory) else "",
            "winner takes all" if neuron.winner else "",
        ]
    return ", ".join(word for word in words if word)


def _sends(population: QuantisedPopulation) -> str:
    if population.neuron is not None:
        return _SENDS[population.neuron.output]
    return f"values to {population.largest}" if population.largest > 1 else "spikes"


def _form(projection: Projection) -> str:
    """Shape of the weights, and what else a convolution does."""
    words = ["x".join(map(str, projection.weights.shape))]
    if isinstance(projection, Convolution):
        words += [
            f"{name} {'x'.join(map(str, pair))}"
            for name, pair in (
                ("stride", projection.stride),
                ("dilation", projection.dilation),
                ("pool", projection.pool),
            )
            if pair != (1, 1)
        ]
        if np.any(projection.padding):
            words.append(f"padding {'x'.join(map(_padding, projection.padding))}")
        if projection.groups > 1:
            words.append(f"{projection.groups} groups")
    return ", ".join(words)


def _padding(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}+{pair[1]}"
