from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Fields, Leak, NeuronParameters, Output, Per, Reset, Synapse
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_network import random_case
from spikeloom_sim.run_state import RunState

RELAY = NeuronParameters(threshold=0, decay=0)
ONE = np.array([[1]])


def chain(*delays: int, timing: str = "exact", back: int | None = None) -> QuantisedNetwork:
    """Join relays one after the other, the last perhaps back to the first."""
    names = ["in", *(f"n{k}" for k in range(len(delays)))]
    populations = [QuantisedPopulation(n, 1, RELAY if n != "in" else None) for n in names]
    edges = list(zip(names, names[1:], delays, strict=False))
    if back is not None:
        edges.append((names[-1], names[1], back))
    projections = [Dense(source, target, ONE, delay=d) for source, target, d in edges]
    return QuantisedNetwork(tuple(populations), tuple(projections), timing=timing)


def fired(network: QuantisedNetwork, steps: int = 12) -> dict[str, list[int]]:
    """Tell when each relay fires after a spike in the first step."""
    spikes = np.zeros((steps, 1), bool)
    spikes[0] = True
    recording = Golden(network).run(spikes)
    return {
        name: np.flatnonzero(train[:, 0, 0]).tolist() for name, train in recording.spikes.items()
    }


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (chain(0, 0, 0), [[0], [0], [0]]),
        (chain(3, 0, 2), [[3], [3], [5]]),
        (chain(0, 0, 0, timing="pipelined"), [[0], [1], [2]]),
        (chain(3, 0, 2, timing="pipelined"), [[3], [4], [7]]),
        # Back to the first relay the spike is a step late, and takes the delay on top.
        (chain(0, 1, back=0), [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]),
        (chain(0, 1, back=2), [[0, 4, 8], [1, 5, 9]]),
        (chain(0, 1, back=2, timing="pipelined"), [[0, 5, 10], [2, 7]]),
        (chain(1, back=3), [[1, 5, 9]]),
        (chain(1, back=3, timing="pipelined"), [[1, 5, 9]]),
    ],
)
def test_spikes_arrive_when_the_delays_say(
    network: QuantisedNetwork, expected: list[list[int]]
) -> None:
    assert list(fired(network).values()) == expected


def test_every_synapse_has_its_own_delay() -> None:
    synapses = Sparse(
        "in",
        "out",
        np.array([1, 1, 1, 1]),
        pre=np.array([0, 0, 0, 1]),
        post=np.array([0, 0, 1, 1]),
        size=(2, 2),
        delays=np.array([0, 5, 2, 1]),
        delay=1,
    )
    populations = (QuantisedPopulation("in", 2), QuantisedPopulation("out", 2, RELAY))
    spikes = np.zeros((9, 2), bool)
    spikes[0, 0] = spikes[2, 1] = True
    recording = Golden(QuantisedNetwork(populations, (synapses,))).run(spikes)
    trains = recording.spikes["out"][:, 0].T
    assert [np.flatnonzero(train).tolist() for train in trains] == [[1, 6], [3, 4]]
    assert recording.counters == {"events": 2 + 4, "synaptic_operations": 3 + 1}


def feed_forward(seed: int) -> tuple[QuantisedNetwork, np.ndarray]:
    """Draw layers with skips and recurrence inside, whose neurons are quiet without input."""
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(3, 20, rng.integers(2, 6))]
    names = ["in", *(f"n{k}" for k in range(1, len(sizes)))]
    neuron = NeuronParameters(
        threshold=60,
        decay=int(rng.integers(4097)),
        reset=Reset(int(rng.integers(4))),
        refractory=int(rng.integers(3)),
        synapse=Synapse(int(rng.integers(3))),
        current_decay=2000,
        adaptation_step=int(rng.integers(20)),
        adaptation_decay=3000,
    )
    populations = [QuantisedPopulation("in", sizes[0])]
    populations += [
        QuantisedPopulation(name, size, neuron)
        for name, size in zip(names[1:], sizes[1:], strict=True)
    ]
    projections: list[Projection] = []
    for j in range(1, len(sizes)):
        for i in range(j + 1):
            if i == j - 1 or rng.random() < 0.4:
                weights = rng.integers(-60, 128, (sizes[i], sizes[j]))
                delay = int(rng.integers(3))
                projections.append(Dense(names[i], names[j], weights, delay=delay))
    spikes = rng.random((30, 2, sizes[0])) < 0.3
    return QuantisedNetwork(tuple(populations), tuple(projections)), spikes


@pytest.mark.parametrize("seed", range(30))
def test_exact_and_pipelined_agree_but_for_the_shift(seed: int) -> None:
    exact, spikes = feed_forward(seed)
    depth = {p.name: k - 1 for k, p in enumerate(exact.populations)}
    # A path that is shorter than another waits for it.
    longer = {p: depth[p.target] - depth[p.source] - 1 for p in exact.projections}
    waiting = tuple(
        replace(p, delay=p.delay + (wait if p.source != p.target else 0))
        for p, wait in longer.items()
    )
    pipelined = replace(exact, projections=waiting, timing="pipelined")
    first = Golden(exact).run(spikes, potentials=True)
    second = Golden(pipelined).run(spikes, potentials=True)
    assert sum(int(train.sum()) for train in first.spikes.values()) > 0
    for name, train in first.spikes.items():
        later = depth[name]
        np.testing.assert_array_equal(train[: 30 - later], second.spikes[name][later:])
        potentials = first.potentials[name][: 30 - later]
        np.testing.assert_array_equal(potentials, second.potentials[name][later:])


def graded(output: Output) -> QuantisedNetwork:
    """Make a graded input into neurons of that output, and further into a silent integrator."""
    neuron = NeuronParameters(threshold=10, decay=0, reset=Reset.SUBTRACT, output=output)
    keep = NeuronParameters(threshold=0, output=Output.SILENT)
    populations = (
        QuantisedPopulation("in", 2, largest=50),
        QuantisedPopulation("mid", 1, neuron),
        QuantisedPopulation("end", 1, keep),
    )
    projections = [Dense("in", "mid", np.array([[2], [-1]]))]
    if output is Output.COUNT:
        projections.append(Dense("mid", "end", np.array([[-7]])))
    return QuantisedNetwork(populations, tuple(projections))


VALUES = np.array([[20, 0], [0, -35], [50, -50], [-20, 3], [0, 0]])


def test_counts_multiply_weights() -> None:
    network = graded(Output.COUNT)
    recording = Golden(network).run(VALUES, record=["in", "mid", "end"], potentials=True)
    assert recording.spikes["mid"].dtype == np.uint8
    # 40, 35, 150, -43 and 0 against a threshold of 10, not inclusive.
    assert recording.spikes["mid"][:, 0, 0].tolist() == [3, 3, 14, 0, 0]
    assert recording.potentials["end"][:, 0, 0].tolist() == [-21, -42, -140, -140, -140]
    assert recording.spikes["end"].dtype == bool
    assert not recording.spikes["end"].any()
    np.testing.assert_array_equal(recording.values["in"][:, 0], VALUES)
    assert list(recording.spikes) == ["mid", "end"]
    assert recording.counters == {"events": 6 + 3, "synaptic_operations": 6 + 3}


def test_an_integrator_sends_its_potential() -> None:
    recording = Golden(graded(Output.VALUE)).run(VALUES, potentials=True)
    assert recording.values["mid"].dtype == np.int64
    assert recording.values["mid"][:, 0, 0].tolist() == [40, 35, 150, -43, 0]
    np.testing.assert_array_equal(recording.values["mid"], recording.potentials["mid"])
    assert list(recording.spikes) == ["end"]
    assert recording.counters == {"events": 6, "synaptic_operations": 6}


def test_spikes_on_their_way_are_part_of_the_state() -> None:
    golden = Golden(chain(2, 0, back=3))
    golden.run(np.array([[1], [1], [0]]))
    state = golden.state
    assert state is not None
    assert (state.time, list(state), len(state)) == (3, ["n0", "n1"], 2)
    assert state.pending["n0"][:, 0, 0].tolist() == [1, 0, 0, 1]
    assert state.pending["n1"].shape == (0, 1, 1)
    assert state.pending["n0"].dtype == np.int64
    recording = golden.run(np.zeros((5, 1), bool), state=state)
    assert recording.spikes["n1"][:, 0, 0].tolist() == [1, 0, 0, 1, 1]
    assert golden.state is not None
    assert golden.state.time == 8


PLAIN = QuantisedNetwork(
    (QuantisedPopulation("in", 4), QuantisedPopulation("out", 4, RELAY)),
    (Dense("in", "out", np.eye(4, dtype=int)),),
)


@pytest.mark.parametrize(
    ("changes", "feature"),
    [
        ({"source": {"largest": 3}}, "input 'in' is graded"),
        ({"neuron": {"leak": Leak.LINEAR}}, "population 'out' has a leak of another form"),
        ({"neuron": {"synapse": Synapse.NEW}}, "population 'out' has a synaptic current"),
        (
            {"neuron": {"adaptation_step": np.array([0, 0, 0, 1])}},
            "population 'out' has an adaptation",
        ),
        ({"neuron": {"output": Output.VALUE}}, "population 'out' has the output VALUE"),
        ({"neuron": {"winner": True}}, "population 'out' has a winner"),
        ({"neuron": {"noise": 3}}, "population 'out' has noise"),
        ({"projection": {"delay": 1}}, "projection 'in' -> 'out' has a delay"),
        (
            {
                "projection": Convolution(
                    "in", "out", np.ones((4, 4, 1, 1), int), input_shape=(4, 1, 1)
                )
            },
            "projection 'in' -> 'out' is not dense",
        ),
    ],
)
def test_numba_names_what_it_cannot_do(changes: dict[str, Any], feature: str) -> None:
    pytest.importorskip("numba")
    source, target = PLAIN.populations
    projection = changes.get("projection", {})
    if isinstance(projection, dict):
        projection = replace(PLAIN.projections[0], **projection)
    populations = (
        replace(source, **changes.get("source", {})),
        replace(target, neuron=replace(RELAY, **changes.get("neuron", {}))),
    )
    network = QuantisedNetwork(populations, (projection,))
    message = f"^Engine 'numba' runs plain dense networks, but {feature}; use the engine 'numpy'$"
    with pytest.raises(ValueError, match=message):
        Golden(network, engine="numba")


def test_a_state_cannot_be_given_to_another_network() -> None:
    golden = Golden(chain(0, 0))
    with pytest.raises(ValueError, match="^State of population 'n0' is missing$"):
        Golden(chain(0)).run(np.zeros((1, 1)), state=RunState({}, {}))
    golden.run(np.zeros((1, 1)))
    message = r"^Pending input of population 'n0' must have the shape \(2, 1, 1\), not \(0, 1, 1\)$"
    with pytest.raises(ValueError, match=message):
        Golden(chain(2, 0)).run(np.zeros((1, 1)), state=golden.state)


MIXED = CoreConfig(
    weight_rows=1 << 13,
    neuron_rows=1 << 10,
    fields=Fields(dict.fromkeys(("synapse", "output", "winner", "noise"), Per.POPULATION)),
    delay_slots=8,
    payload_width=8,
    value_groups=1 << 10,
    taps=64,
    pointers=1 << 10,
    synapse_rows=1 << 12,
)


@pytest.mark.parametrize("seed", range(40))
def test_neither_blocks_nor_pauses_nor_batches_change_anything(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = random_case(seed, MIXED, steps=20)
    others = {name: np.roll(train, 5, axis=0) for name, train in case.spikes.items()}
    both = {name: np.concatenate([t, others[name]], axis=1) for name, t in case.spikes.items()}
    golden = Golden(case.network)
    whole = golden.run(both, potentials=True)

    monkeypatch.setattr("spikeloom_sim.execution.BLOCK_NEURONS", 1)
    monkeypatch.setattr("spikeloom_sim.execution.BLOCK_SPIKES", 100)
    state, parts = None, []
    for times in (slice(0, 3), slice(3, 4), slice(4, 20)):
        some = {name: train[times] for name, train in both.items()}
        parts.append(golden.run(some, potentials=True, state=state))
        state = golden.state
    alone = golden.run(others, potentials=True)
    for kind in ("spikes", "values", "potentials"):
        for name, expected in getattr(whole, kind).items():
            joined = np.concatenate([getattr(part, kind)[name] for part in parts])
            np.testing.assert_array_equal(joined, expected)
            np.testing.assert_array_equal(getattr(alone, kind)[name][:, 0], expected[:, 1])
    for counter, count in whole.counters.items():
        assert sum(part.counters[counter] for part in parts) == count
