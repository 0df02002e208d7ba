"""Order in which the populations of a network are updated within one step."""

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from spikeloom_hw.validate import check_choice

__all__ = ["TIMINGS", "Edge", "assign_phases", "group"]

TIMINGS = ("exact", "pipelined")
"""What a time step may be: all hops between populations, or one of them."""

Edge = tuple[str, str]
"""Names of the source and of the target of a projection."""


def assign_phases(
    names: Sequence[str], edges: Iterable[Edge], timing: str = "exact"
) -> dict[str, int]:
    """Give each population the phase of the step in which it is updated.

    Pipelined, all have phase 0, so that every hop between two populations takes a step. Exact,
    a population that lies on no loop comes one phase after the latest of its sources. In a group
    of populations that reach one another, the one declared first opens the group: the projections
    from the group into it close a loop and do not count, and the same is done again with what is
    left of the group. A projection takes effect in the same step if its target has a later phase
    than its source, and in the next step otherwise.

    Parameters
    ----------
    names : sequence of str
        Populations in order of declaration, without the inputs.
    edges : iterable of (source, target)
        Projections; those with an end that is not named are left out.
    timing : str
        ``"exact"`` or ``"pipelined"``.

    Returns
    -------
    dict of str to int
        Phase of each population, from 0.
    """
    check_choice("Timing", timing, TIMINGS)
    if timing == "pipelined":
        return dict.fromkeys(names, 0)
    sources = _sources(names, edges)
    forward = {name: set(found) for name, found in sources.items()}
    pending = list(group(names, edges))
    while pending:
        members = pending.pop()
        opening = members[0]
        forward[opening] -= set(members)
        if len(members) > 1:
            left = [(s, t) for t in members for s in forward[t] if s in members]
            pending.extend(group(members, left))

    phases: dict[str, int] = {}
    for name in TopologicalSorter(forward).static_order():
        phases[name] = 1 + max((phases[source] for source in forward[name]), default=-1)
    return {name: phases[name] for name in names}


def group(names: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Gather the populations that reach one another; each group after those that feed it.

    Parameters
    ----------
    names : sequence of str
        Populations in order of declaration.
    edges : iterable of (source, target)
        Projections; those with an end that is not named are left out.

    Returns
    -------
    list of list of str
        Groups, each in order of declaration; most have one member.
    """
    sources = _sources(names, edges)
    upstream = {name: _reach(name, sources) for name in names}
    groups: dict[str, list[str]] = {}
    opening = {}
    for name in names:
        mutual = [n for n in names if n == name or (n in upstream[name] and name in upstream[n])]
        opening[name] = mutual[0]
        groups[mutual[0]] = mutual
    above = {
        first: {opening[source] for name in members for source in sources[name]} - {first}
        for first, members in groups.items()
    }
    return [groups[first] for first in TopologicalSorter(above).static_order()]


def _sources(names: Sequence[str], edges: Iterable[Edge]) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        if source in sources and target in sources and source not in sources[target]:
            sources[target].append(source)
    return sources


def _reach(name: str, sources: dict[str, list[str]]) -> set[str]:
    """Find every population from which there is a path to ``name``."""
    found: set[str] = set()
    pending = list(sources[name])
    while pending:
        source = pending.pop()
        if source not in found:
            found.add(source)
            pending.extend(sources[source])
    return found
