import numpy as np
import pytest

from spikeloom.learning import pair_stdp
from spikeloom.network import Network
from spikeloom.neuron import ALIF, IF, LI, LIF, CubaLIF
from spikeloom.pipeline import depths, pipelined
from spikeloom.quantise import quantise
from spikeloom.reference import Reference
from spikeloom_sim.golden import Golden


def chain(*edges, delays=None, inputs=("in",)):
    """Make a network of populations of one neuron, each edge of weight 1."""
    made = Network("chain")
    names = list(dict.fromkeys(name for edge in edges for name in edge))
    for name in names:
        if name in inputs:
            made.add_input(name, 1)
        else:
            made.add_population(name, 1, IF(threshold=0.5))
    for source, target in edges:
        delay = (delays or {}).get((source, target), 0)
        made.connect(source, target, [[1.0]], delay=delay)
    return made


def delays(network):
    return {(p.source, p.target): p.delay for p in network.projections}


def test_depths_are_hops_from_the_first_population():
    made = chain(("in", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("in", "c"))
    assert depths(made) == {"in": 0, "a": 0, "b": 1, "c": 2}
    assert delays(pipelined(made)) == {
        ("in", "a"): 0,
        ("a", "b"): 0,
        ("b", "c"): 0,
        ("a", "c"): 1,
        ("in", "c"): 2,
    }


def test_a_population_that_feeds_itself_needs_no_delay():
    made = chain(("in", "a"), ("a", "a"), ("a", "b"), ("b", "b"))
    assert depths(made) == {"in": 0, "a": 0, "b": 1}
    assert set(delays(pipelined(made)).values()) == {0}


def test_own_delays_count_towards_the_hops():
    own = {("a", "b"): 3, ("in", "b"): 1}
    made = chain(("in", "a"), ("a", "b"), ("in", "b"), delays=own)
    assert depths(made) == {"in": 0, "a": 0, "b": 0}
    assert delays(pipelined(made)) == {("in", "a"): 0, ("a", "b"): 2, ("in", "b"): 1}


def test_a_loop_whose_delays_make_room_for_its_hops_is_pipelined():
    made = chain(("in", "a"), ("a", "b"), ("b", "a"), delays={("b", "a"): 2})
    assert depths(made) == {"in": 0, "a": 0, "b": 1}
    assert delays(pipelined(made)) == {("in", "a"): 0, ("a", "b"): 0, ("b", "a"): 1}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            chain(("in", "a"), ("a", "b"), ("b", "a")),
            (
                "Loop 'a' -> 'b' -> 'a' cannot be pipelined: its 2 hops take 2 steps, but spikes "
                "go around it in 1 in exact time; lengthen its delays by 1 in all, or keep to "
                "exact time"
            ),
        ),
        (
            chain(
                ("in", "x"),
                ("x", "a"),
                ("a", "b"),
                ("b", "c"),
                ("c", "d"),
                ("d", "a"),
                ("d", "e"),
                ("e", "e"),
                delays={("b", "c"): 1},
            ),
            (
                "Loop 'a' -> 'b' -> 'c' -> 'd' -> 'a' cannot be pipelined: its 4 hops take 4 "
                "steps, but spikes go around it in 2 in exact time; lengthen its delays by 2 in "
                "all, or keep to exact time"
            ),
        ),
    ],
)
def test_an_impossible_loop_is_named(made, message):
    for act in (depths, pipelined):
        with pytest.raises(ValueError, match=f"^{message}$"):
            act(made)


def test_the_delays_of_single_synapses_make_room_too():
    made = Network()
    made.add_input("in", 1)
    for name in "ab":
        made.add_population(name, 2, LIF(decay=0.5))
    made.connect("in", "a", np.ones((1, 2)))
    made.connect_sparse("a", "b", [0.5, 0.25, 1.0], ends=([0, 0, 1], [0, 1, 0]), delay=[3, 2, 4])
    lengthened = pipelined(made).projections[1]
    ((_, _, _, waits),) = lengthened.synapses()
    assert waits.tolist() == [2, 1, 3]


def test_pipelining_twice_is_pipelining_once_and_changes_nothing_given():
    made = chain(("in", "a"), ("a", "b"), ("in", "b"))
    once = pipelined(made)
    assert (made.timing, once.timing) == ("exact", "pipelined")
    assert set(delays(made).values()) == {0}
    assert pipelined(once) is once
    assert once.populations == made.populations
    once.add_input("more", 1)
    assert "more" not in made.populations


NEURONS = [
    LIF(decay=0.8),
    LIF(decay=0.9, reset="to value", refractory=2),
    CubaLIF(decay=0.8, current_decay=0.5),
    CubaLIF(decay=0.8, current_decay=0.5, synapse="old"),
    ALIF(decay=0.9, adaptation_decay=0.9, adaptation_step=0.2),
    IF(reset="subtract delayed", minimum=-1.0),
    IF(output="count"),
    LIF(decay=0.8, winner=True, inhibition=0.5),
]


def random_network(seed):
    """Draw a network without loops but of single populations, with skips and delays."""
    rng = np.random.default_rng(seed)
    made = Network()
    sizes = {"in0": 12, "in1": 9}
    for name, size in sizes.items():
        made.add_input(name, size)
    for index in range(rng.integers(2, 7)):
        name, size = f"n{index}", int(rng.integers(4, 12))
        made.add_population(name, size, NEURONS[rng.integers(len(NEURONS))])
        sources = [*sizes, name]
        chosen = rng.choice(sources[:-1], size=rng.integers(1, 4))
        again = [name] * int(rng.random() < 0.4)
        sizes[name] = size
        for source in [*chosen, *again]:
            weights = rng.normal(0.1, 0.5, (sizes[source], size))
            delay = int(rng.integers(0, 5)) if rng.random() < 0.4 else 0
            if rng.random() < 0.3:
                delays = rng.integers(delay, 6, weights.shape)
                made.connect_sparse(str(source), name, weights, delay=delays)
            else:
                made.connect(str(source), name, weights, delay=delay)
    made.add_population("read", 3, LI(decay=0.9))
    made.connect("n0", "read", rng.normal(0, 1, (sizes["n0"], 3)))
    return made


@pytest.mark.parametrize("seed", range(40))
def test_pipelined_networks_do_the_same_later(seed):
    made = random_network(seed)
    lag = depths(made)
    deepest = max(lag.values())
    rng = np.random.default_rng(seed + 1000)
    spikes = {n: rng.random((30, 4, made.populations[n].size)) < 0.2 for n in ("in0", "in1")}
    spikes |= {n: np.pad(array, ((0, deepest), (0, 0), (0, 0))) for n, array in spikes.items()}

    quantised = quantise(made, accumulator_width=24, potential_width=24)
    later = pipelined(quantised)
    assert (later.timing, set(later.phases.values())) == ("pipelined", {0})
    runs = [
        (Reference(made), Reference(pipelined(made))),
        (Golden(quantised), Golden(later)),
        (
            Golden(quantised),
            Golden(quantise(pipelined(made), accumulator_width=24, potential_width=24)),
        ),
    ]
    active = 0
    for one, other in runs:
        expected, got = one.run(spikes), other.run(spikes)
        for name, array in (expected.spikes | expected.values).items():
            shifted = (got.spikes | got.values)[name]
            kept = len(array) - lag[name]
            # Products of other shapes may sum real numbers in another order.
            np.testing.assert_allclose(shifted[lag[name] :], array[:kept], atol=1e-9)
            assert not shifted[: lag[name]].any()
            active += int(array.any())
    assert active >= 6


def test_what_learns_is_not_pipelined() -> None:
    network = Network("learns")
    network.add_input("in", 2)
    network.add_population("out", 2, LIF(decay=0.5))
    network.connect("in", "out", np.full((2, 2), 0.5), rule=pair_stdp())
    message = (
        "^Projection 'in' -> 'out' learns, and in pipelined time its source and its target would "
        "fire further apart: make the network with timing='pipelined', or give the projection no "
        "rule$"
    )
    with pytest.raises(ValueError, match=message):
        pipelined(network)
    with pytest.raises(ValueError, match=message):
        pipelined(quantise(network))
