"""Lava's fixed-point networks against a simulation of them in Python's own integers."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, QuantisedNetwork, QuantisedPopulation, compile
from spikeloom.dialect import loihi
from spikeloom.dialect.loihi import Compartment
from spikeloom_sim.recording import Recording

Rng = np.random.Generator
STEPS = 150


def toward_zero(number: int, share: int) -> int:
    quotient = abs(number * share) >> 12
    return quotient if number >= 0 else -quotient


class Lif:
    """Lava's ``LIFReset`` (bit_accurate_loihi), process by process."""

    def __init__(self, size: int, parameters: dict[str, Any], reset: tuple[int, int] | None):
        self.parameters, self.reset, self.time = parameters, reset, 0
        self.u, self.v = [0] * size, [0] * size

    def run(self, activation: list[int]) -> list[bool]:
        self.time += 1
        if self.reset and self.time % self.reset[0] == self.reset[1] % self.reset[0]:
            self.u, self.v = [0] * len(self.u), [0] * len(self.v)
        spikes = []
        for k, arrived in enumerate(activation):
            vth, du, dv, mantissa, exponent = (
                int(np.broadcast_to(self.parameters[name], len(activation))[k])
                for name in ("vth", "du", "dv", "bias_mant", "bias_exp")
            )
            bias = mantissa << exponent if exponent >= 0 else mantissa >> -exponent
            self.u[k] = toward_zero(self.u[k], 4096 - (du + 1)) + (arrived << 6)
            assert abs(self.u[k]) < 1 << 23
            v = toward_zero(self.v[k], 4096 - dv) + self.u[k] + bias
            self.v[k] = max(1 - (1 << 23), min((1 << 23) - 1, v))
            spikes.append(self.v[k] > vth << 6)
            self.v[k] = 0 if spikes[k] else self.v[k]
        return spikes


class Connection:
    """Lava's fixed-point ``Dense``: what arrives is sent on in the next step, or later."""

    def __init__(self, weights: np.ndarray, exponent: int, delay: int = 0):
        low = int(weights.min() < 0 < weights.max())
        self.weights = [[(int(w) >> low) << low for w in row] for row in weights]
        self.exponent = exponent
        self.line = [[0] * len(self.weights)] * (1 + delay)

    def send(self) -> list[int]:
        return self.line[0]

    def take(self, spikes: list[bool]) -> None:
        sums = [sum(w for w, s in zip(row, spikes, strict=True) if s) for row in self.weights]
        e = self.exponent
        self.line = [*self.line[1:], [s << e if e >= 0 else s >> -e for s in sums]]


@dataclass
class Case:
    """Two populations, the first with recurrence; weights (post, pre) with their exponents."""

    sizes: tuple[int, int, int]
    parameters: list[dict[str, Any]]
    weights: list[tuple[np.ndarray, int]]
    delay: int
    inputs: np.ndarray


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    sizes = (int(rng.integers(4, 12)), int(rng.integers(3, 20)), int(rng.integers(2, 8)))
    parameters = []
    for size in sizes[1:]:
        each = size if rng.integers(2) else None
        parameters.append({
            "vth": rng.integers(200, 1500, each),
            "du": rng.integers(400, 4096, each),
            "dv": rng.integers(100, 4000, each),
            "bias_mant": rng.integers(-200, 400, each),
            "bias_exp": rng.integers(-3, 4, each),
        })
    weights = []
    for target, source in ((1, 0), (1, 1), (2, 1)):
        exponent = int(rng.integers(-2, 3))
        # Mixed or excitatory; recurrence may also be inhibitory.
        signs = [(-200, 255), (0, 255), (-255, 0)]
        low, high = signs[rng.integers(3 if source == target else 2)]
        unit = 8 if exponent < 0 else 1
        shape = (sizes[target], sizes[source])
        weights.append((rng.integers(low // unit + 1, high // unit + 1, shape) * unit, exponent))
    inputs = rng.random((STEPS, sizes[0])) < 0.2
    return Case(sizes, parameters, weights, int(rng.integers(0, 14)), inputs)


def simulate(case: Case, reset: tuple[int, int] | None = None) -> dict[str, np.ndarray]:
    """Spikes and voltages of both populations, (steps, neurons) arrays."""
    first, second = (Lif(s, p, reset) for s, p in zip(case.sizes[1:], case.parameters, strict=True))
    delays = (0, case.delay, 0)
    entry, loop, link = (Connection(*w, d) for w, d in zip(case.weights, delays, strict=True))
    kept: dict[str, list[Any]] = {"s1": [], "v1": [], "s2": [], "v2": []}
    for row in case.inputs.tolist():
        arriving = [a + b for a, b in zip(entry.send(), loop.send(), strict=True)]
        through = link.send()
        spikes = first.run(arriving), second.run(through)
        entry.take(row)
        loop.take(spikes[0])
        link.take(spikes[0])
        for name, value in zip(kept, (spikes[0], first.v, spikes[1], second.v), strict=True):
            kept[name].append(list(value))
    return {name: np.array(rows) for name, rows in kept.items()}


def network(case: Case) -> QuantisedNetwork:
    entry, loop, link = (loihi.lava_weights(w, exponent) for w, exponent in case.weights)
    neurons = [Compartment.from_lava(**p).neuron() for p in case.parameters]
    return QuantisedNetwork(
        (
            QuantisedPopulation("in", case.sizes[0]),
            QuantisedPopulation("first", case.sizes[1], neurons[0]),
            QuantisedPopulation("second", case.sizes[2], neurons[1]),
        ),
        (
            Dense("in", "first", entry, delay=1),
            Dense("first", "first", loop, delay=case.delay),
            Dense("first", "second", link),
        ),
        weight_width=16,
        accumulator_width=20,
        timing="pipelined",
    )


def equal(recording: Recording, expected: dict[str, np.ndarray]) -> bool:
    found = {
        "s1": recording.spikes["first"], "v1": recording.potentials["first"],
        "s2": recording.spikes["second"], "v2": recording.potentials["second"],
    }  # fmt: skip
    return all(np.array_equal(found[name][:, 0], array) for name, array in expected.items())


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_are_those_of_lava_in_every_spike_and_voltage(seed: int) -> None:
    case = random_case(seed)
    recording = Golden(network(case)).run(case.inputs, potentials=True)
    assert equal(recording, simulate(case))


def test_the_random_networks_fire() -> None:
    cases = [simulate(random_case(seed)) for seed in range(20)]
    for name in ("s1", "s2"):
        assert sum(0.01 < case[name].mean() < 0.98 for case in cases) >= 10


def run_with_resets(case: Case, interval: int, offset: int, *, drop: bool = False) -> Recording:
    golden, parts, state = Golden(network(case)), [], None
    for period in loihi.periods(STEPS, interval, offset):
        parts.append(golden.run(case.inputs[period], potentials=True, state=state))
        state = None if drop else loihi.reset_state(golden)
    names = ("first", "second")
    return Recording(
        {name: np.concatenate([part.spikes[name] for part in parts]) for name in names},
        {name: np.concatenate([part.potentials[name] for part in parts]) for name in names},
    )


@pytest.mark.parametrize(("interval", "offset"), [(20, 0), (16, 3), (7, 9), (200, 0), (1, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_a_periodic_reset_is_that_of_lava(seed: int, interval: int, offset: int) -> None:
    case = random_case(seed)
    expected = simulate(case, (interval, offset))
    assert equal(run_with_resets(case, interval, offset), expected)


def test_a_reset_that_drops_spikes_on_their_way_differs() -> None:
    case = random_case(0)
    assert not equal(run_with_resets(case, 20, 0, drop=True), simulate(case, (20, 0)))
    assert not equal(run_with_resets(case, 20, 1), simulate(case, (20, 0)))


@pytest.mark.parametrize("change", ["du", "dv", "bias_mant", "delay", "axon"])
def test_another_network_differs(change: str) -> None:
    case = random_case(1)
    quantised = network(case)
    if change == "axon":
        quantised = replace(quantised, timing="exact")
    elif change == "delay":
        quantised = network(replace(case, delay=case.delay + 1))
    else:
        more = [p | {change: p[change] + 1} for p in case.parameters]
        quantised = network(replace(case, parameters=more))
    assert not equal(Golden(quantised).run(case.inputs, potentials=True), simulate(case))


def test_periods_begin_where_lava_resets() -> None:
    for interval, offset in ((5, 0), (5, 1), (5, 7), (1, 0), (40, 3), (40, 0)):
        starts = [p.start for p in loihi.periods(23, interval, offset)]
        resets = [t - 1 for t in range(1, 24) if t % interval == offset % interval]
        assert starts == sorted({0, *resets})


def test_a_golden_model_that_has_not_run_has_no_state_to_reset() -> None:
    message = "The golden model has not run yet, so that there is no state to reset"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        loihi.reset_state(Golden(network(random_case(0))))


@pytest.mark.slow
def test_the_emitted_verilog_gives_a_network_of_lava() -> None:
    case, steps = random_case(1), 60
    assert case.delay == 13
    expected = {name: array[:steps] for name, array in simulate(case).items()}
    with Device.simulate(compile(network(case))) as device:
        assert equal(device.run(case.inputs[:steps], potentials=True), expected)
    assert all(0.1 < expected[name].mean() < 0.9 for name in ("s1", "s2"))


@pytest.mark.slow
def test_the_emitted_verilog_gives_a_layer_of_lava_with_resets() -> None:
    case = random_case(7)
    case.weights[1] = (np.zeros_like(case.weights[1][0]), 0)
    expected = simulate(case, (13, 2))
    assert 0.1 < expected["s1"][:60].mean() < 0.9
    inputs, layer = network(case).populations[:2]
    quantised = QuantisedNetwork(
        (inputs, layer), (Dense("in", "first", loihi.lava_weights(*case.weights[0])),), 16, 20
    )
    # With the delay of the axons taken on the side of the host, nothing is on its way in a reset.
    late = loihi.delayed(case.inputs)[:60]
    with Device.simulate(compile(quantised)) as device:
        for period in loihi.periods(60, 13, 2):
            recording = device.run(late[period], potentials=True)
            spikes, potentials = recording.spikes["first"], recording.potentials["first"]
            np.testing.assert_array_equal(spikes[:, 0], expected["s1"][period])
            np.testing.assert_array_equal(potentials[:, 0], expected["v1"][period])
