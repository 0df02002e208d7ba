"""Where populations may be cut, and what of a projection reaches a slice."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

__all__ = ["grain", "kept_together", "restrict"]


def grain(population: PlacedPopulation, lanes: int) -> int:
    """Rows of neurons between the places where a population may be cut.

    Populations in pixels are cut between lines of pixels; a single line between pixels.
    """
    if not population.stride or population.shape is None:
        return 1
    _, height, width = population.shape
    return population.stride // lanes * (width if height > 1 else 1)


def kept_together(quantised: QuantisedNetwork) -> list[list[str]]:
    """Populations that are not cut, with those that lie on the same core, in order.

    A contest is decided within a core, errors go backwards within a core, and a pixel keeps the
    groups of its channels.
    """
    groups = {p.name: {p.name} for p in quantised.neurons if p.neuron and np.any(p.neuron.winner)}
    for projection in quantised.projections:
        if isinstance(projection, Convolution) and projection.groups > 1:
            if projection.output_shape[1:] == (1, 1):
                groups.setdefault(projection.target, {projection.target})
        elif isinstance(projection, Dense) and projection.rule and projection.rule.back:
            joined = {projection.source, projection.target}
            for name in list(joined):
                joined |= groups.get(name, set())
            groups |= dict.fromkeys(joined, joined)
    order = [p.name for p in quantised.neurons]
    found: list[list[str]] = []
    for name in order:
        if name in groups and not any(name in group for group in found):
            found.append(sorted(groups[name], key=order.index))
    return found


def restrict(projection: Projection, target: PlacedPopulation, members: np.ndarray) -> Projection:
    """Give the part of a projection that reaches some neurons of its target alone.

    A convolution into several pixels stays whole: its kernel is needed wherever a part of its
    output is.

    Parameters
    ----------
    projection : Projection
        The projection.
    target : PlacedPopulation
        Its target.
    members : (neurons,) int array
        The neurons, in ascending order, which become those from 0 on.
    """
    if len(members) == target.size:
        return projection
    if isinstance(projection, Dense):
        return replace(projection, weights=projection.weights[:, members])
    if isinstance(projection, Sparse):
        place = np.full(target.size, -1)
        place[members] = np.arange(len(members))
        post = place[projection.post]
        kept = post >= 0
        delays = projection.delays
        return replace(
            projection,
            weights=projection.weights[kept],
            pre=projection.pre[kept],
            post=post[kept],
            size=(projection.size[0], len(members)),
            delays=None if delays is None else delays[kept],
        )
    if isinstance(projection, Convolution) and not target.stride:
        return replace(projection, weights=projection.weights[members])
    return projection
