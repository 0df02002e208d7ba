import sys
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.run_state import RunState


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


def test_float64_products_serve_wide_accumulators(engine):
    # The sum is odd and above 2**24: float32 does not have it.
    weights = np.full((201, 1), 1)
    weights[:7] = (1 << 22) - 1
    network = single(NeuronParameters(threshold=(1 << 30), width=32), weights, (24, 32))
    recording = Golden(network, engine=engine).run(np.ones((1, 201), bool), potentials=True)
    assert recording.potentials["out"].item() == 7 * ((1 << 22) - 1) + 194


def single(neuron, weights, widths=(8, 18)):
    pre, post = weights.shape
    populations = (QuantisedPopulation("in", pre), QuantisedPopulation("out", post, neuron))
    return QuantisedNetwork(populations, (Dense("in", "out", weights),), *widths)


# One neuron, one input of weight 60, threshold 100, half of the potential left after each step:
# what it has before the reset is 60, 90, 105 (a spike), and goes on from what the reset left.
TABLES = {
    "to value": (
        {"reset": Reset.TO_VALUE, "reset_value": 20},
        [60, 90, 20, 70, 95, 20],
        [0, 0, 1, 0, 0, 1],
    ),
    "subtract": (
        {"reset": Reset.SUBTRACT},
        [60, 90, 5, 62, 91, 5],
        [0, 0, 1, 0, 0, 1],
    ),
    "none": (
        {"reset": Reset.NONE},
        [60, 90, 105, 112, 116, 118],
        [0, 0, 1, 1, 1, 1],
    ),
    # 105 is left as it is; the next step takes 52 + 60 - 100 = 12.
    "subtract delayed": (
        {"reset": Reset.SUBTRACT_DELAYED},
        [60, 90, 105, 12, 66, 93],
        [0, 0, 1, 0, 0, 0],
    ),
    # Two steps at the reset value, and no spike in them.
    "refractory": (
        {"reset": Reset.SUBTRACT, "refractory": 2, "reset_value": -10},
        [60, 90, 5, -10, -10, 55],
        [0, 0, 1, 0, 0, 0],
    ),
    "inclusive": (
        {"reset": Reset.SUBTRACT, "inclusive": True, "threshold": 90},
        [60, 0, 60, 0, 60, 0],
        [0, 1, 0, 1, 0, 1],
    ),
    "bias": (
        {"reset": Reset.TO_VALUE, "bias": -30},
        [30, 45, 52, 56, 58, 59],
        [0, 0, 0, 0, 0, 0],
    ),
    "minimum": (
        {"reset": Reset.TO_VALUE, "bias": -90, "minimum": -40},
        [-30, -40, -40, -40, -40, -40],
        [0, 0, 0, 0, 0, 0],
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_hand_worked_tables(case, engine):
    changes, potentials, spikes = TABLES[case]
    neuron = NeuronParameters(**{"threshold": 100, "decay": 2048, **changes})
    network = single(neuron, np.array([[60]]))
    recording = Golden(network, engine=engine).run(np.ones((6, 1), bool), potentials=True)
    assert recording.potentials["out"][:, 0, 0].tolist() == potentials
    assert recording.spikes["out"][:, 0, 0].tolist() == spikes


def test_a_negative_potential_leaks_to_exactly_zero(engine):
    network = single(NeuronParameters(threshold=100, decay=2048), np.array([[-7]]))
    spikes = np.array([[1], [0], [0], [0]])
    recording = Golden(network, engine=engine).run(spikes, potentials=True)
    assert recording.potentials["out"][:, 0, 0].tolist() == [-7, -3, -1, 0]


def relay(edges):
    """Join populations of one neuron that fires exactly when it receives a spike."""
    names = ["a", "b", "c"]
    neuron = NeuronParameters(threshold=0, decay=0)
    populations = [QuantisedPopulation("in", 1)]
    populations += [QuantisedPopulation(name, 1, neuron) for name in names]
    one = np.array([[1]])
    return QuantisedNetwork(tuple(populations), tuple(Dense(s, t, one) for s, t in edges))


def test_a_spike_crosses_all_phases_in_one_step_and_a_loop_in_the_next(engine):
    network = relay([("in", "a"), ("a", "b"), ("b", "c"), ("c", "a")])
    spikes = np.array([[1], [0], [0]])
    recording = Golden(network, engine=engine).run(spikes)
    for name in "abc":
        assert recording.spikes[name][:, 0, 0].tolist() == [1, 1, 1]


def test_a_population_sees_its_own_spike_in_the_next_step(engine):
    network = relay([("in", "b"), ("b", "b"), ("a", "b"), ("b", "c")])
    recording = Golden(network, engine=engine).run(np.array([[1], [0], [0]]))
    assert recording.spikes["a"][:, 0, 0].tolist() == [0, 0, 0]
    assert recording.spikes["b"][:, 0, 0].tolist() == [1, 1, 1]
    assert recording.spikes["c"][:, 0, 0].tolist() == [1, 1, 1]


def test_populations_of_one_phase_see_each_other_in_the_next_step(engine):
    # The loop a -> b -> c -> b opens at b, so that c comes last; a and nothing else is first.
    network = relay([("in", "a"), ("a", "b"), ("b", "c"), ("c", "b")])
    assert network.phases == {"a": 0, "b": 1, "c": 2}
    recording = Golden(network, engine=engine).run(np.array([[1], [0], [0], [0]]))
    assert recording.spikes["a"][:, 0, 0].tolist() == [1, 0, 0, 0]
    assert recording.spikes["b"][:, 0, 0].tolist() == [1, 1, 1, 1]


def test_counters_count_events_and_weights(engine):
    network = relay([("in", "a"), ("in", "b"), ("a", "c"), ("b", "c")])
    recording = Golden(network, engine=engine).run(np.array([[1], [0]]), record=["c"])
    assert recording.counters == {"events": 4, "synaptic_operations": 4}


def test_what_is_recorded_can_be_chosen(engine):
    network = relay([("in", "a"), ("a", "b"), ("b", "c")])
    spikes = np.array([[1], [0]])
    golden = Golden(network, engine=engine)
    assert list(golden.run(spikes).spikes) == ["a", "b", "c"]
    recording = golden.run(spikes, record=["c", "in"], potentials=True)
    assert list(recording.spikes) == ["in", "c"]
    assert list(recording.potentials) == ["c"]
    assert recording.potentials["c"].dtype == np.int64
    np.testing.assert_array_equal(recording.spikes["in"][:, 0], spikes)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_spikes_may_be_of_any_number_type(dtype, engine):
    network = single(NeuronParameters(threshold=100), np.array([[60], [60]]))
    spikes = np.array([[1, 1], [0, 1]])
    recording = Golden(network, engine=engine).run(spikes.astype(dtype))
    assert recording.spikes["out"].dtype == bool
    assert recording.spikes["out"].shape == (2, 1, 1)
    assert recording.counts("out").tolist() == [[1]]


TWO_INPUTS = QuantisedNetwork(
    (
        QuantisedPopulation("left", 2),
        QuantisedPopulation("right", 3),
        QuantisedPopulation("out", 1, NeuronParameters(threshold=1)),
    ),
    (
        Dense("left", "out", np.ones((2, 1), int)),
        Dense("right", "out", np.ones((3, 1), int)),
    ),
)
LEFT, RIGHT = np.zeros((4, 2), bool), np.zeros((4, 3), bool)


def test_wrong_arguments_are_refused():
    spikes = {"left": LEFT, "right": RIGHT}
    golden = Golden(TWO_INPUTS)
    message = "^Record names 'hidden', but the populations are 'left', 'right', 'out'$"
    with pytest.raises(ValueError, match=message):
        golden.run(spikes, record=["hidden"])
    message = "^Record must be a list of names of populations, not 'out'$"
    with pytest.raises(TypeError, match=message):
        golden.run(spikes, record="out")
    wrong: Any = {}
    message = "^State must be a RunState, as a run leaves it, not {}$"
    with pytest.raises(TypeError, match=message):
        golden.run(spikes, state=wrong)
    with pytest.raises(ValueError, match="^State of population 'out' is missing$"):
        golden.run(spikes, state=RunState({}, {}))
    golden.run(spikes)
    assert golden.state is not None
    message = (
        r"^Pending input of population 'out' must have the shape \(0, 1, 1\), not \(1, 1, 1\)$"
    )
    late = RunState(golden.state.neurons, {"out": np.zeros((1, 1, 1))})
    with pytest.raises(ValueError, match=message):
        golden.run(spikes, state=late)
    message = r"^State of population 'out' must have the shape \(2, 1\), not \(1, 1\)$"
    twice = {name: np.stack([train, train], axis=1) for name, train in spikes.items()}
    with pytest.raises(ValueError, match=message):
        golden.run(twice, state=golden.state)
    with pytest.raises(ValueError, match="^Engine must be one of numpy, numba, not 'torch'$"):
        Golden(TWO_INPUTS, engine="torch")
    nothing: Any = None
    with pytest.raises(TypeError, match="^Golden runs a QuantisedNetwork, not None$"):
        Golden(nothing)


def test_a_missing_numba_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("golden_numba", "golden_kernels"):
        monkeypatch.delitem(sys.modules, f"spikeloom_sim.{name}", raising=False)
    message = r"^Engine 'numba' needs the package numba: pip install 'spikeloom\[numba\]'$"
    with pytest.raises(ImportError, match=message):
        Golden(TWO_INPUTS, engine="numba")
