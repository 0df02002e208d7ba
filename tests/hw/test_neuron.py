from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import (
    Leak,
    NeuronParameters,
    NeuronState,
    Output,
    Reset,
    Synapse,
)
from spikeloom_sim.random_neuron import draw, draw_parameters, draw_state


def state_of(potential: int, **members: int) -> NeuronState:
    """State of one neuron; what is not named is 0."""
    rest = NeuronParameters(threshold=0).rest((1,))
    members["potential"] = potential
    return NeuronState(
        *(np.array([members.get(name, 0)], array.dtype) for name, array in rest._asdict().items())
    )


def as_floats(state: NeuronState) -> NeuronState:
    numbers = {"potential", "current", "adaptation"}
    return NeuronState(
        *(
            array.astype(np.float64) if name in numbers else array
            for name, array in state._asdict().items()
        )
    )


# Worked by hand: parameters, state before, input, state after (whose last is the spike).
TABLE = [
    ({"threshold": 10}, (3, 0, False), 4, (7, 0, False)),
    ({"threshold": 10}, (3, 0, False), 7, (10, 0, False)),
    ({"threshold": 10, "inclusive": True}, (3, 0, False), 7, (0, 0, True)),
    ({"threshold": 10}, (3, 0, False), 8, (0, 0, True)),
    ({"threshold": 10, "reset_value": -5}, (3, 0, False), 8, (-5, 0, True)),
    ({"threshold": 10, "reset": Reset.SUBTRACT}, (3, 0, False), 8, (1, 0, True)),
    ({"threshold": 10, "reset": Reset.NONE}, (3, 0, False), 8, (11, 0, True)),
    # The threshold is taken one step later, after the decay.
    ({"threshold": 10, "reset": Reset.SUBTRACT_DELAYED}, (3, 0, False), 8, (11, 0, True)),
    (
        {"threshold": 10, "reset": Reset.SUBTRACT_DELAYED, "decay": 2048},
        (11, 0, True),
        8,
        (3, 0, False),
    ),
    # Decay rounds toward zero: 7 * 0.5 = 3.5 and -7 * 0.5 = -3.5.
    ({"threshold": 10, "decay": 2048}, (7, 0, False), 0, (3, 0, False)),
    ({"threshold": 10, "decay": 2048}, (-7, 0, False), 0, (-3, 0, False)),
    ({"threshold": 10, "decay": 0}, (9, 0, False), 2, (2, 0, False)),
    # Input counts 2**shift, the bias counts 1.
    ({"threshold": 100, "shift": 3, "bias": 2}, (1, 0, False), 5, (43, 0, False)),
    ({"threshold": 10, "minimum": -4}, (3, 0, False), -20, (-4, 0, False)),
    # Saturation at both ends of 8 bits; a spike at the top end.
    ({"threshold": 127, "width": 8}, (100, 0, False), 100, (127, 0, False)),
    ({"threshold": 126, "width": 8}, (100, 0, False), 100, (0, 0, True)),
    ({"threshold": 126, "width": 8}, (-100, 0, False), -100, (-128, 0, False)),
    (
        {"threshold": -100, "reset": Reset.SUBTRACT, "width": 8},
        (100, 0, False),
        0,
        (127, 0, True),
    ),
    # A spike starts the refractory period; it is counted down at the reset value.
    ({"threshold": 10, "refractory": 3}, (3, 0, False), 8, (0, 3, True)),
    ({"threshold": 10, "refractory": 3, "reset_value": 2}, (0, 3, False), 99, (2, 2, False)),
    ({"threshold": 10, "refractory": 3}, (0, 1, False), 99, (0, 0, False)),
    ({"threshold": 10, "refractory": 3}, (0, 0, False), 99, (0, 3, True)),
]


@pytest.mark.parametrize("arguments, before, current, after", TABLE)
@pytest.mark.parametrize("floats", [False, True])
def test_a_step_follows_the_table(
    arguments: dict[str, Any],
    before: tuple[int, int, bool],
    current: int,
    after: tuple[int, int, bool],
    floats: bool,
) -> None:
    state = state_of(before[0], refractory=before[1], fired=before[2])
    state = as_floats(state) if floats else state
    dtype = state.potential.dtype
    state, sent = NeuronParameters(**arguments).step(state, np.array([current], dtype))
    assert (state.potential[0], state.refractory[0], state.fired[0]) == after
    assert sent.tolist() == [after[2]]
    assert state.potential.dtype == dtype


COMMON: dict[str, Any] = {"threshold": 100}
NEW, OLD, HALF = Synapse.NEW, Synapse.OLD, 2048
COUNTS = {"output": Output.COUNT, "reset": Reset.SUBTRACT}
# Parameters, members of the state before, input, members after, what is sent.
PARTS = [
    # A quarter of 37, and of -37, rounded away from zero, leaves.
    ({"decay": 2, "leak": Leak.SHIFT}, {"potential": 37}, 0, {"potential": 27}, 0),
    ({"decay": 2, "leak": Leak.SHIFT}, {"potential": -37}, 0, {"potential": -27}, 0),
    ({"decay": 12, "leak": Leak.SHIFT}, {"potential": 1}, 0, {"potential": 0}, 0),
    ({"decay": 5, "leak": Leak.LINEAR}, {"potential": 37}, 2, {"potential": 34}, 0),
    ({"decay": 5, "leak": Leak.LINEAR}, {"potential": -37}, 0, {"potential": -32}, 0),
    ({"decay": 5, "leak": Leak.LINEAR}, {"potential": -4}, 0, {"potential": 0}, 0),
    # The membrane sees the current after or before its step.
    (
        {"synapse": NEW, "current_decay": HALF, "shift": 1},
        {"potential": 10, "current": -7},
        6,
        {"potential": 19, "current": 9},
        0,
    ),
    (
        {"synapse": OLD, "current_decay": HALF, "shift": 1},
        {"potential": 10, "current": -7},
        6,
        {"potential": 3, "current": 9},
        0,
    ),
    # The current saturates on its own, and goes on while the neuron rests.
    (
        {"synapse": NEW, "current_decay": 4096, "width": 8, "threshold": 127},
        {"potential": -100, "current": 100},
        100,
        {"potential": 27, "current": 127},
        0,
    ),
    (
        {"synapse": NEW, "current_decay": HALF, "reset_value": 5, "refractory": 3},
        {"potential": 9, "current": 8, "refractory": 2},
        600,
        {"potential": 5, "current": 604, "refractory": 1},
        0,
    ),
    # The threshold is raised by what the adaptation was before the step.
    (
        {"adaptation_decay": HALF, "adaptation_step": 9, "inclusive": True},
        {"adaptation": 7},
        106,
        {"potential": 106, "adaptation": 3},
        0,
    ),
    (
        {"adaptation_decay": HALF, "adaptation_step": 9, "reset": Reset.SUBTRACT},
        {"adaptation": 7},
        110,
        {"potential": 3, "adaptation": 12, "fired": 1},
        1,
    ),
    (
        {"adaptation_decay": 4096, "adaptation_step": 120, "width": 8, "threshold": -9},
        {"adaptation": 100},
        100,
        {"potential": 0, "adaptation": 127, "fired": 1},
        1,
    ),
    (
        {"adaptation_decay": HALF, "adaptation_step": 9, "refractory": 3},
        {"adaptation": 7, "refractory": 1},
        999,
        {"adaptation": 3},
        0,
    ),
    # A delayed reset takes the threshold without the adaptation.
    (
        {"adaptation_step": 9, "reset": Reset.SUBTRACT_DELAYED},
        {"potential": 150, "adaptation": 7, "fired": 1},
        0,
        {"potential": 50},
        0,
    ),
    # Counted: 350 is above 100 three times; 300 twice, or three times.
    (COUNTS, {}, 350, {"potential": 50, "fired": 1}, 3),
    (COUNTS, {}, 300, {"potential": 100, "fired": 1}, 2),
    (COUNTS | {"inclusive": True}, {}, 300, {"potential": 0, "fired": 1}, 3),
    (COUNTS, {}, 4000, {"potential": 900, "fired": 1}, 31),
    (COUNTS, {}, 100, {"potential": 100}, 0),
    (COUNTS | {"minimum": -3}, {}, -9, {"potential": -3}, 0),
    (COUNTS | {"refractory": 4}, {}, 350, {"potential": 50, "fired": 1, "refractory": 4}, 3),
    (COUNTS | {"refractory": 4}, {"refractory": 4}, 350, {"refractory": 3}, 0),
    # Integrators never fire.
    ({"output": Output.VALUE}, {"potential": 90}, 50, {"potential": 140}, 140),
    ({"output": Output.VALUE, "minimum": -7}, {}, -50, {"potential": -7}, -7),
    ({"output": Output.SILENT}, {"potential": 90}, 50, {"potential": 140}, 0),
    # Another neuron won the last step.
    ({"winner": True, "inhibition": 30}, {"inhibited": 1}, 120, {"potential": 90}, 0),
]


@pytest.mark.parametrize("arguments, before, current, after, leaves", PARTS)
@pytest.mark.parametrize("floats", [False, True])
def test_each_part_follows_the_table(
    arguments: dict[str, Any],
    before: dict[str, int],
    current: int,
    after: dict[str, int],
    leaves: int,
    floats: bool,
) -> None:
    parameters = NeuronParameters(**(COMMON | arguments))
    start, end = (state_of(**{"potential": 0, **members}) for members in (before, after))
    start = as_floats(start) if floats else start
    state, sent = parameters.step(start, np.array([current], start.potential.dtype))
    assert {name: array.tolist() for name, array in state._asdict().items()} == {
        name: array.tolist() for name, array in end._asdict().items()
    }
    assert sent.tolist() == [leaves]
    assert sent.dtype == parameters.sent_dtype


@pytest.mark.parametrize("output, largest", list(zip(Output, [1, 31, 0, 0], strict=True)))
def test_the_largest_value_is_that_which_synapses_get(output: Output, largest: int) -> None:
    parameters = NeuronParameters(threshold=1, reset=Reset.SUBTRACT, output=output)
    assert parameters.largest == largest


def test_only_the_neuron_furthest_above_its_threshold_sends() -> None:
    parameters = NeuronParameters(
        threshold=np.array([10, 20, 5, 5]), winner=True, inhibition=100, refractory=1
    )
    state = parameters.rest((2, 4))
    # Both samples on their own; neurons 1 and 2 are 3 above, the lower index wins.
    state, sent = parameters.step(state, np.array([[11, 23, 8, 0], [0, 0, 0, 6]]))
    assert sent.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    assert state.fired.tolist() == [[1, 1, 1, 0], [0, 0, 0, 1]]
    assert state.inhibited.tolist() == [[1, 0, 1, 1], [1, 1, 1, 0]]
    # What is not at rest is inhibited, once.
    state, sent = parameters.step(state, np.array([[0, 0, 0, 104], [0, 0, 0, 0]]))
    assert not sent.any()
    assert state.potential.tolist() == [[0, 0, 0, 4], [-100, -100, -100, 0]]
    assert not state.inhibited.any()


@pytest.mark.parametrize("refractory", range(16))
def test_a_neuron_is_silent_for_its_refractory_period(refractory: int) -> None:
    parameters = NeuronParameters(threshold=1, refractory=refractory)
    state, spikes = parameters.rest((1,)), []
    for _ in range(3 * (refractory + 1)):
        state, fires = parameters.step(state, np.array([5]))
        spikes.append(bool(fires[0]))
    assert spikes == 3 * [True, *refractory * [False]]


def test_many_steps_are_as_many_single_ones() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        parameters = draw_parameters(rng, 16, 30)
        currents = draw(rng, -900, 900, 12 * 30).reshape(12, 30)
        sent = np.empty((12, 30), parameters.sent_dtype)
        potentials = np.empty((12, 30), np.int64)
        state = draw_state(rng, parameters, 30)
        last = parameters.advance(state, currents, sent, potentials, time=7)
        for step in range(12):
            state, leaves = parameters.step(state, currents[step], time=7 + step)
            assert np.array_equal(leaves, sent[step])
            assert np.array_equal(state.potential, potentials[step])
        assert all(map(np.array_equal, state, last))
