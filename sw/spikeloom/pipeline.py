"""Pipelined time: the delays that let every hop between populations take a step."""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

from spikeloom_sim.phases import assign_phases
from spikeloom_sim.projection import Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

from .network import Network

__all__ = ["depths", "pipelined"]

_Net = TypeVar("_Net", Network, QuantisedNetwork)


class _Hop(NamedTuple):
    """Projection between populations of neurons, and the steps that a spike takes, exact time."""

    source: str
    target: str
    steps: int


def pipelined(network: _Net) -> _Net:
    """Turn a network of exact time into one of pipelined time that does the same, later.

    In pipelined time every hop between populations takes a step. So each population lags behind
    by its depth (see :func:`depths`), and the delays of projections are lengthened, so that what
    arrives together in exact time still does: between populations of neurons by
    ``depth(target) - depth(source) - 1``, where a spike takes effect in the next step by
    ``depth(target) - depth(source)``, and from inputs by ``depth(target)``.

    What a population sends in step t of exact time it sends in step ``t + depth`` of pipelined
    time, as long as it stays at rest until something arrives. A bias or noise makes a difference
    in the first ``depth`` steps.

    Parameters
    ----------
    network : Network or QuantisedNetwork
        Network of exact time; one of pipelined time is given back as it is.

    Returns
    -------
    Network or QuantisedNetwork
        New network of pipelined time.

    Raises
    ------
    ValueError
        If there is a loop in which spikes go around in fewer steps than it has hops, or a
        projection learns: it would see other spikes together.
    """
    if network.timing == "pipelined":
        return network
    for projection in network.projections:
        if isinstance(projection, Dense | Sparse) and projection.rule is not None:
            raise ValueError(
                f"Projection {projection} learns, and in pipelined time its source and its target "
                f"would fire further apart: make the network with timing='pipelined', or give "
                f"the projection no rule"
            )
    phases = _phases(network)
    lag = depths(network)
    projections = []
    for projection in network.projections:
        by = lag[projection.target] - lag[projection.source]
        if projection.source in phases:
            by -= 1 - _back(phases, projection)
        projections.append(_lengthen(projection, by))
    if isinstance(network, QuantisedNetwork):
        return replace(network, projections=tuple(projections), timing="pipelined")
    made = Network(network.name, timing="pipelined")
    made.populations.update(network.populations)
    made.projections.extend(projections)
    return made


def depths(network: Network | QuantisedNetwork) -> dict[str, int]:
    """Tell by how many steps each population lags behind exact time in pipelined time.

    The depth is the least that leaves every hop a step: 0 for the inputs and for populations that
    only they feed; otherwise that of the deepest source and one more, less what the delay of the
    projection makes up for.

    Returns
    -------
    dict of str to int
        Depth of each population, inputs included.

    Raises
    ------
    ValueError
        If there is a loop in which spikes go around in fewer steps than it has hops.
    """
    phases = _phases(network)
    hops = [
        _Hop(p.source, p.target, _back(phases, p) + _shortest(p))
        for p in network.projections
        if p.source in phases
    ]
    lag = dict.fromkeys(_names(network), 0)
    through: dict[str, _Hop] = {}
    # The longest paths, after Bellman and Ford: without a loop they settle in as many rounds as
    # there are populations.
    raised = ""
    for _ in lag:
        raised = ""
        for hop in hops:
            depth = lag[hop.source] + 1 - hop.steps
            if depth > lag[hop.target]:
                lag[hop.target], through[hop.target], raised = depth, hop, hop.target
        if not raised:
            return lag
    raise _impossible(through, raised, list(lag))


def _impossible(through: dict[str, _Hop], name: str, order: list[str]) -> ValueError:
    """Name the loop that does not settle, which lies upstream of ``name``."""
    path = [name]
    while path.count(path[-1]) < 2:
        path.append(through[path[-1]].source)
    loop = path[path.index(path[-1]) + 1 :][::-1]
    first = loop.index(min(loop, key=order.index))
    loop = [*loop[first:], *loop[: first + 1]]
    hops = [through[target] for _, target in pairwise(loop)]
    steps = sum(hop.steps for hop in hops)
    count = len(hops)
    return ValueError(
        f"Loop {' -> '.join(map(repr, loop))} cannot be pipelined: its {count} hops take "
        f"{count} steps, but spikes go around it in {steps} in exact time; lengthen its delays "
        f"by {count - steps} in all, or keep to exact time"
    )


def _names(network: Network | QuantisedNetwork) -> list[str]:
    if isinstance(network, Network):
        return list(network.populations)
    return [population.name for population in network.populations]


def _phases(network: Network | QuantisedNetwork) -> dict[str, int]:
    """Phases of exact time of the populations of neurons."""
    members = network.populations
    populations = members.values() if isinstance(members, dict) else members
    names = [p.name for p in populations if p.neuron is not None]
    return assign_phases(names, [(p.source, p.target) for p in network.projections])


def _back(phases: dict[str, int], projection: Projection) -> int:
    """1 if a spike without delay takes effect in the next step of exact time, 0 if in the same."""
    return int(phases[projection.target] <= phases[projection.source])


def _shortest(projection: Projection) -> int:
    """Least delay of any synapse."""
    if isinstance(projection, Sparse) and projection.delays is not None:
        return projection.delay + int(projection.delays.min())
    return projection.delay


def _lengthen(projection: Projection, by: int) -> Projection:
    """Lengthen the delay of all synapses, or shorten it if ``by`` is negative."""
    delay = projection.delay + by
    if delay < 0 and isinstance(projection, Sparse) and projection.delays is not None:
        return replace(projection, delay=0, delays=projection.delays + delay)
    return replace(projection, delay=delay)
