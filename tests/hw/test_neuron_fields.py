import re
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import (
    FIELDS,
    Constant,
    Fields,
    Leak,
    NeuronParameters,
    Output,
    Per,
    Reset,
    Synapse,
)
from spikeloom_hw.number import DECAY_ONE

LEAST: dict[str, Any] = {"threshold": 0}
COUNTS: dict[str, Any] = {"threshold": 1, "output": Output.COUNT, "reset": Reset.SUBTRACT}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"threshold": 1 << 17}, "Threshold must lie between -131072 and 131071, not 131072"),
        ({"decay": 4097}, "Decay must lie between 0 and 4096, not 4097"),
        ({"decay": 13, "leak": Leak.SHIFT}, "Decay must lie between 0 and 12, not 13"),
        (
            {"decay": -1, "leak": Leak.LINEAR, "width": 8},
            "Decay must lie between 0 and 127, not -1",
        ),
        ({"refractory": 16}, "Refractory must lie between 0 and 15, not 16"),
        ({"shift": 8}, "Shift must lie between 0 and 7, not 8"),
        ({"bias": 1 << 20}, "Bias must lie between -131072 and 131071, not 1048576"),
        (
            {"reset_value": -3, "minimum": -2},
            "Reset value must not lie below the minimum potential",
        ),
        ({"current_decay": 4097}, "Current decay must lie between 0 and 4096, not 4097"),
        ({"adaptation_decay": -1}, "Adaptation decay must lie between 0 and 4096, not -1"),
        (
            {"adaptation_step": np.array([1, 128]), "width": 8},
            "Adaptation step must lie between 0 and 127, not 128",
        ),
        ({"inhibition": -1}, "Inhibition must lie between 0 and 131071, not -1"),
        ({"noise": 17}, "Noise must lie between 0 and 16, not 17"),
        ({"seed": 1 << 16}, "Seed must lie between 0 and 65535, not 65536"),
        (
            {"winner": True, "output": Output.VALUE},
            "A winner sends spikes: output must be SPIKE, not VALUE",
        ),
        (
            {"inhibition": 4},
            "Inhibition comes from a winner: set winner, or inhibition to 0",
        ),
        (
            COUNTS | {"reset": Reset.TO_VALUE},
            "Output COUNT takes the threshold per spike: reset must be SUBTRACT, not TO_VALUE",
        ),
        (
            COUNTS | {"threshold": np.array([3, 0])},
            "Output COUNT needs a threshold of at least 1, not 0",
        ),
        (
            COUNTS | {"adaptation_step": 1},
            "Output COUNT goes without adaptation: set adaptation step to 0",
        ),
        (COUNTS | {"winner": True}, "A winner sends spikes: output must be SPIKE, not COUNT"),
    ],
)
def test_a_parameter_out_of_range_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NeuronParameters(**(LEAST | arguments))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"threshold": 1.5},
            "Threshold must be an integer or a (neurons,) integer array, not 1.5",
        ),
        ({"reset": 1}, "Reset must be a Reset, not 1"),
        ({"leak": Reset.NONE}, "Leak must be a Leak, not <Reset.NONE: 2>"),
        ({"synapse": "new"}, "Synapse must be a Synapse, not 'new'"),
        ({"output": None}, "Output must be an Output, not None"),
        ({"winner": 1}, "Winner must be True or False, not 1"),
        ({"inclusive": None}, "Inclusive must be True or False, not None"),
        ({"seed": np.array([1, 2])}, "Seed must be one integer for the whole population"),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        NeuronParameters(**(LEAST | arguments))


@pytest.mark.parametrize("output", [Output.VALUE, Output.SILENT])
def test_an_integrator_takes_any_threshold_and_reset(output: Output) -> None:
    ends = [
        NeuronParameters(threshold=threshold, reset=reset, output=output).step(
            NeuronParameters(threshold=0).rest((3,)), np.array([-7, 0, 7])
        )
        for threshold in (-5, 5)
        for reset in Reset
    ]
    assert all(state.potential.tolist() == [-7, 0, 7] for state, _ in ends)


def test_the_lengths_of_all_arrays_are_known() -> None:
    parameters = NeuronParameters(
        threshold=np.zeros(3, int), minimum=np.full(3, -9), current_decay=np.ones(4, int)
    )
    assert parameters.sizes == {3, 4}
    assert NeuronParameters(threshold=0).sizes == set()


def test_a_field_that_does_not_exist_is_refused() -> None:
    message = f"^Neuron field must be one of {', '.join(FIELDS)}, not 'tau'$"
    with pytest.raises(ValueError, match=message):
        Fields({"tau": Per.NEURON})


SHARED = [
    *("reset", "inclusive", "shift", "leak", "synapse", "output"),
    *("winner", "inhibition", "noise", "seed"),
]


@pytest.mark.parametrize("name", SHARED)
def test_some_fields_cannot_be_kept_per_neuron(name: str) -> None:
    with pytest.raises(ValueError, match=f"^Neuron field '{name}' cannot be kept per neuron$"):
        Fields({name: Per.NEURON})


@pytest.mark.parametrize(
    "name, value, low, high",
    [
        ("decay", 8192, 0, 8191),
        ("minimum", -129, -128, 127),
        ("adaptation_step", 128, 0, 127),
        ("output", 4, 0, 3),
    ],
)
def test_a_constant_that_its_bits_cannot_hold_is_refused(
    name: str, value: int, low: int, high: int
) -> None:
    message = (
        f"^Neuron field {name!r} must lie between {low} and {high}, the constant {value} does not$"
    )
    with pytest.raises(ValueError, match=message):
        Fields({name: Constant(value)}, width=8)


def test_the_state_holds_only_what_the_fields_need() -> None:
    least = Fields({"refractory": Constant(0), "reset": Constant(Reset.SUBTRACT.value)})
    assert list(least.state.members) == ["potential"]
    assert list(Fields({}).state.members) == ["potential", "refractory", "fired"]
    delayed = Fields({"refractory": Constant(0), "reset": Constant(3)})
    assert list(delayed.state.members) == ["potential", "fired"]
    current = Fields({"synapse": Constant(Synapse.OLD.value)})
    assert list(current.state.members) == ["potential", "refractory", "fired", "current"]
    adaptive = Fields({"adaptation_step": Per.NEURON, "refractory": Constant(0)})
    assert list(adaptive.state.members) == ["potential", "fired", "adaptation"]


@pytest.mark.parametrize("leak, bits", [(None, 13), (0, 13), (1, 4), (2, 19), (Per.POPULATION, 19)])
def test_a_decay_has_the_bits_that_its_leak_needs(leak: int | Per | None, bits: int) -> None:
    place = Constant(leak) if isinstance(leak, int) else leak
    fields = Fields({} if place is None else {"leak": place}, width=20)
    assert fields.shape("decay").width == bits


@pytest.mark.parametrize(
    "places, leaks",
    [
        ({}, True),
        ({"decay": Constant(DECAY_ONE)}, False),
        ({"decay": Constant(3)}, True),
        ({"leak": Constant(Leak.LINEAR.value)}, False),
        ({"leak": Per.POPULATION}, True),
    ],
)
def test_only_a_decay_by_a_product_needs_a_multiplier(
    places: dict[str, Constant | Per], leaks: bool
) -> None:
    assert Fields(places).leaks is leaks


@pytest.mark.parametrize(
    "place, bits",
    [(Constant(0), 0), (Constant(1), 6), (Constant(2), 18), (Constant(3), 0), (Per.POPULATION, 18)],
)
def test_a_value_has_the_bits_of_what_may_be_sent(place: Constant | Per, bits: int) -> None:
    assert Fields({"output": place}).value_width == bits
