import numpy as np
import pytest

from spikeloom_sim.phases import assign_phases, group


@pytest.mark.parametrize(
    ("names", "edges", "phases"),
    [
        ("abc", ["ia", "ab", "bc"], [0, 1, 2]),
        ("abc", ["ia", "ib", "ic"], [0, 0, 0]),
        # Declared against the flow: only loops depend on the order of declaration.
        ("cba", ["ia", "ab", "bc"], [2, 1, 0]),
        # A skip does not pull its target forward.
        ("abc", ["ab", "bc", "ac"], [0, 1, 2]),
        ("ab", ["aa", "ab", "bb"], [0, 1]),
        # A loop opens at the member declared first.
        ("abc", ["ia", "ab", "bc", "ca"], [0, 1, 2]),
        ("bca", ["ia", "ab", "bc", "ca"], [0, 1, 2]),
        # Members of a loop keep the order of the flow, whatever the order of declaration.
        ("acb", ["ab", "bc", "ca"], [0, 2, 1]),
        # Two loops through one population; the second opens at b once the first is open.
        ("abc", ["ab", "ba", "bc", "cb"], [0, 1, 2]),
        # What follows a loop comes after all of it.
        ("abc", ["ab", "ba", "bc"], [0, 1, 2]),
        ("a", [], [0]),
    ],
)
def test_phases_by_hand(names, edges, phases):
    found = assign_phases(list(names), [(edge[0], edge[1]) for edge in edges])
    assert list(found) == list(names)
    assert list(found.values()) == phases


def test_pipelined_all_populations_share_a_phase():
    edges = [("i", "a"), ("a", "b"), ("b", "c"), ("c", "a")]
    assert assign_phases("abc", edges, "pipelined") == {"a": 0, "b": 0, "c": 0}
    assert assign_phases("abc", edges, "exact") == {"a": 0, "b": 1, "c": 2}
    with pytest.raises(ValueError, match="^Timing must be one of exact, pipelined, not 'fast'$"):
        assign_phases("abc", edges, "fast")


def random_graph(seed):
    rng = np.random.default_rng(seed)
    names = [f"n{k}" for k in range(rng.integers(1, 9))]
    edges = [(s, t) for s in names for t in names if rng.random() < rng.choice([0.1, 0.3])]
    return names, edges


def reaches(edges, start, end):
    found, pending = set(), [start]
    while pending:
        name = pending.pop()
        for source, target in edges:
            if source == name and target not in found:
                found.add(target)
                pending.append(target)
    return end in found


@pytest.mark.parametrize("seed", range(40))
def test_only_projections_on_a_loop_are_late(seed):
    names, edges = random_graph(seed)
    phases = assign_phases(names, edges)
    assert sorted(set(phases.values())) == list(range(max(phases.values()) + 1))
    for source, target in edges:
        if phases[source] >= phases[target]:
            assert reaches(edges, target, source)


@pytest.mark.parametrize("seed", range(40))
def test_groups_are_what_reach_one_another_in_the_order_of_the_flow(seed):
    names, edges = random_graph(seed)
    groups = group(names, edges)
    assert sorted(name for members in groups for name in members) == sorted(names)
    place = {name: k for k, members in enumerate(groups) for name in members}
    for source in names:
        for target in names:
            mutual = reaches(edges, source, target) and reaches(edges, target, source)
            assert source == target or mutual == (place[source] == place[target])
    assert all(place[source] <= place[target] for source, target in edges)
