"""A network as the flat arrays of the compiled golden model, without what its rules say."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikeloom_hw.neuron import Leak, Output, Reset, Synapse
from spikeloom_hw.number import DECAY_ONE, Signed

from ..population import QuantisedPopulation
from ..projection import Dense, Projection
from ..quantised import QuantisedNetwork
from .kernel_tables import Populations, Synapses

__all__ = ["check_compilable", "tabulate_populations", "tabulate_synapses"]

_EACH = {
    "bias": 0,
    "minimum": 0,
    "reset_value": 0,
    "refractory": 0,
    "adaptation_decay": DECAY_ONE,
    "adaptation_step": 0,
}
"""What may differ from neuron to neuron and does not learn, and what inputs have of it."""

_INPUT_PHASE = -1


def check_compilable(network: QuantisedNetwork) -> None:
    """Raise unless the compiled golden model can run a network that learns.

    Raises
    ------
    ValueError
        If a projection is not dense or has a delay, an input is graded, or neurons have a current,
        noise, a leak of another form, or send anything but spikes.
    """
    found = [
        (not isinstance(p, Dense), f"projection {p} is not dense") for p in network.projections
    ]
    found += [(p.longest_delay > 0, f"projection {p} has a delay") for p in network.projections]
    found += [(p.largest > 1, f"input {p.name!r} is graded") for p in network.inputs]
    for population in network.neurons:
        neuron, label = population.neuron, f"population {population.name!r} has"
        if neuron is not None:
            found += [
                (neuron.leak != Leak.MULTIPLY, f"{label} a leak of another form"),
                (neuron.synapse != Synapse.NONE, f"{label} a synaptic current"),
                (neuron.output != Output.SPIKE, f"{label} the output {neuron.output.name}"),
                (neuron.noise > 0, f"{label} noise"),
            ]
    for there, what in found:
        if there:
            raise ValueError(
                f"Engine 'numba' learns in dense networks of leaky neurons, but {what}; use the "
                f"engine 'numpy'"
            )


def tabulate_populations(
    network: QuantisedNetwork, order: Sequence[QuantisedPopulation], spans: Mapping[str, slice]
) -> Populations:
    """Lay out populations, of which ``order`` has the inputs first, then neurons by phase."""
    rows = []
    for population in order:
        neuron, span = population.neuron, spans[population.name]
        row = dict.fromkeys(Populations._fields, 0) | {"phase": _INPUT_PHASE}
        if neuron is not None:
            number = Signed(neuron.width)
            row |= {
                "phase": network.phases[population.name],
                "to_value": neuron.reset is Reset.TO_VALUE,
                "subtract": neuron.reset is Reset.SUBTRACT,
                "delayed": neuron.reset is Reset.SUBTRACT_DELAYED,
                "inclusive": neuron.inclusive,
                "winner": neuron.winner,
                "inhibition": neuron.inhibition,
                "shift": neuron.shift,
                "low": number.low,
                "high": number.high,
            }
        rows.append(row | {"start": span.start, "end": span.stop})
    columns = {name: np.array([row[name] for row in rows], np.int64) for name in rows[0]}
    for name, nothing in _EACH.items():
        columns[name] = np.concatenate([
            np.full(p.size, nothing if p.neuron is None else getattr(p.neuron, name), np.int64)
            for p in order
        ])
    return Populations(**columns)


def tabulate_synapses(
    links: Sequence[Projection], counts: Sequence[int], spans: Mapping[str, slice]
) -> Synapses:
    """Lay out dense projections, ``counts`` of which each source has, in the order of sources."""
    dense = [link for link in links if isinstance(link, Dense)]
    return Synapses(
        np.cumsum([0, *counts]),
        np.array([spans[p.target].start for p in dense], np.int64),
        np.array([p.weights.shape[1] for p in dense], np.int64),
        np.cumsum([0, *(p.weights.size for p in dense)])[:-1],
        np.concatenate([p.weights.ravel() for p in dense]).astype(np.int32),
    )
