from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import LIF, Constant, Fields, LIFParameters, LIFState, Per, Reset
from spikeloom_hw.number import DECAY_ONE, Signed
from spikeloom_sim.bench import simulate

TRAVELLING = ("decay", "threshold", "bias", "reset_value", "refractory")
COUNT = 120


def state_of(potential: int, refractory: int = 0, fired: bool = False) -> LIFState:
    return LIFState(np.array([potential]), np.array([refractory], np.int8), np.array([fired]))


def plain(state: LIFState) -> tuple[int, int, bool]:
    return int(state.potential[0]), int(state.refractory[0]), bool(state.fired[0])


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
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_step_follows_the_table(
    arguments: dict[str, Any],
    before: tuple[int, int, bool],
    current: int,
    after: tuple[int, int, bool],
    dtype: Any,
) -> None:
    state = state_of(*before)._replace(potential=np.array([before[0]], dtype))
    state, spikes = LIFParameters(**arguments).step(state, np.array([current], dtype))
    assert plain(state) == after
    assert spikes.tolist() == [after[2]]
    assert state.potential.dtype == dtype


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"threshold": 1 << 17}, "Threshold must lie between -131072 and 131071, not 131072"),
        ({"threshold": 0, "decay": 4097}, "Decay must lie between 0 and 4096, not 4097"),
        ({"threshold": 0, "refractory": 16}, "Refractory must lie between 0 and 15, not 16"),
        ({"threshold": 0, "shift": 8}, "Shift must lie between 0 and 7, not 8"),
        (
            {"threshold": 0, "bias": 1 << 20},
            "Bias must lie between -131072 and 131071, not 1048576",
        ),
        (
            {"threshold": 0, "reset_value": -3, "minimum": -2},
            "Reset value must not lie below the minimum potential",
        ),
    ],
)
def test_a_parameter_out_of_range_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        LIFParameters(**arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"threshold": 1.5},
            r"Threshold must be an integer or a \(neurons,\) integer array, not 1\.5",
        ),
        ({"threshold": 0, "reset": 1}, "Reset must be a Reset, not 1"),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        LIFParameters(**arguments)


def test_a_field_that_does_not_exist_is_refused() -> None:
    message = (
        "^Neuron field must be one of decay, threshold, bias, reset, reset_value, minimum, "
        "refractory, inclusive, shift, not 'leak'$"
    )
    with pytest.raises(ValueError, match=message):
        Fields({"leak": Per.NEURON})


@pytest.mark.parametrize("name", ["reset", "inclusive", "shift"])
def test_some_fields_cannot_be_kept_per_neuron(name: str) -> None:
    with pytest.raises(ValueError, match=f"^Neuron field '{name}' cannot be kept per neuron$"):
        Fields({name: Per.NEURON})


def test_the_state_holds_only_what_the_fields_need() -> None:
    least = Fields({"refractory": Constant(0), "reset": Constant(Reset.SUBTRACT.value)})
    assert list(least.state.members) == ["potential"]
    assert list(Fields({}).state.members) == ["potential", "refractory", "fired"]
    delayed = Fields({"refractory": Constant(0), "reset": Constant(3)})
    assert list(delayed.state.members) == ["potential", "fired"]


def draw(rng: np.random.Generator, low: int, high: int, count: int) -> np.ndarray:
    """Numbers of the whole range, of its ends, and of around zero."""
    kinds = (
        rng.integers(low, high + 1, count),
        rng.choice([low, low + 1, high - 1, high], count),
        rng.integers(max(low, -3), min(high, 3) + 1, count),
    )
    return np.choose(rng.integers(0, 3, count), kinds)


def draw_parameters(
    rng: np.random.Generator, reset: Reset, width: int, *, each: bool
) -> LIFParameters:
    number = Signed(width)
    minimum = int(draw(rng, number.low, 0, 1)[0])
    bounds = {
        "decay": (0, DECAY_ONE),
        "threshold": (number.low, number.high),
        "bias": (number.low, number.high),
        "reset_value": (minimum, number.high),
        "refractory": (0, 15),
    }
    drawn = {name: draw(rng, low, high, COUNT) for name, (low, high) in bounds.items()}
    if not each:
        drawn = {name: int(values[0]) for name, values in drawn.items()}
    return LIFParameters(
        **drawn,
        minimum=minimum,
        reset=reset,
        inclusive=bool(rng.integers(2)),
        shift=int(rng.integers(8)),
        width=width,
    )


def run_lane(
    places: Fields, parameters: LIFParameters, state: LIFState, current: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Give the lane a neuron every cycle, and take what is out ``LATENCY`` cycles later."""
    lane = LIF(places, 18)
    names = [name for name in places.layout.members if not isinstance(places[name], Constant)]
    columns = {name: np.broadcast_to(getattr(parameters, name), COUNT) for name in names}
    results: dict[str, list[int]] = {name: [] for name in (*places.state.members, "spikes")}

    async def bench(ctx: Any) -> None:
        for cycle in range(COUNT + LIF.LATENCY - 1):
            neuron = min(cycle, COUNT - 1)
            ctx.set(lane.current, int(current[neuron]))
            for name in places.state.members:
                ctx.set(lane.state[name], int(getattr(state, str(name))[neuron]))
            for name in names:
                ctx.set(lane.fields[name], columns[name][neuron].item())
            await ctx.tick()
            if cycle >= LIF.LATENCY - 1:
                for name in places.state.members:
                    results[str(name)].append(ctx.get(lane.next_state[name]))
                results["spikes"].append(ctx.get(lane.fires))

    simulate(lane, bench)
    return tuple(
        np.array(results.get(name, [])) for name in ("potential", "refractory", "fired", "spikes")
    )


@pytest.mark.parametrize("width", [12, 16, 18, 24])
@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("per", [Per.NEURON, Per.POPULATION, None])
def test_a_lane_computes_a_neuron_each_cycle_as_the_model_does(
    width: int, reset: Reset, per: Per | None
) -> None:
    rng = np.random.default_rng([width, reset.value, 0 if per is None else len(per.value)])
    parameters = draw_parameters(rng, reset, width, each=per is Per.NEURON)
    places: dict[str, Constant | Per] = {}
    if per is Per.NEURON:
        places = dict.fromkeys((*TRAVELLING, "minimum"), Per.NEURON)
    elif per is None:
        values = {name: getattr(parameters, name) for name in Fields({}).layout.members}
        places = {str(name): Constant(int(value)) for name, value in values.items()}
    fields = Fields(places, width)
    number = Signed(width)
    held = {
        "refractory": np.where(rng.random(COUNT) < 0.7, 0, rng.integers(0, 16, COUNT)),
        "fired": rng.random(COUNT) < 0.5,
    }
    for name in held:
        never = name == "refractory" and not np.any(parameters.refractory)
        if name not in fields.state.members or never:
            held[name] = np.zeros_like(held[name])
    state = LIFState(draw(rng, number.low, number.high, COUNT), held["refractory"], held["fired"])
    current = draw(rng, -(1 << 17), (1 << 17) - 1, COUNT)

    expected, spikes = parameters.step(state, current)
    potential, refractory, fired, fires = run_lane(fields, parameters, state, current)
    assert np.array_equal(potential, expected.potential)
    assert np.array_equal(fires, spikes)
    if "refractory" in fields.state.members:
        assert np.array_equal(refractory, expected.refractory)
    if "fired" in fields.state.members:
        assert np.array_equal(fired, expected.fired)
    assert expected.potential.min() >= number.low
    assert expected.potential.max() <= number.high


@pytest.mark.parametrize("refractory", range(16))
def test_a_neuron_is_silent_for_its_refractory_period(refractory: int) -> None:
    parameters = LIFParameters(threshold=1, refractory=refractory)
    state, spikes = parameters.rest((1,)), []
    for _ in range(3 * (refractory + 1)):
        state, fires = parameters.step(state, np.array([5]))
        spikes.append(bool(fires[0]))
    assert spikes == 3 * [True, *refractory * [False]]


def test_many_steps_are_as_many_single_ones() -> None:
    rng = np.random.default_rng(5)
    parameters = draw_parameters(rng, Reset.SUBTRACT, 16, each=True)
    currents = draw(rng, -900, 900, 30 * COUNT).reshape(30, COUNT)
    spikes, potentials = np.empty((30, COUNT), bool), np.empty((30, COUNT), np.int64)
    last = parameters.advance(parameters.rest((COUNT,)), currents, spikes, potentials)
    state = parameters.rest((COUNT,))
    for step in range(30):
        state, fires = parameters.step(state, currents[step])
        assert np.array_equal(fires, spikes[step])
        assert np.array_equal(state.potential, potentials[step])
    assert all(map(np.array_equal, state, last))
