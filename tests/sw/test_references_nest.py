"""NEST's trace lif_delta_tau20: every spike of 16 neurons ``iaf_psc_delta`` over 2000 steps."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, QuantisedNetwork, QuantisedPopulation, compile
from spikeloom_hw.neuron import NeuronParameters

FILE = Path(__file__).parents[1] / "data" / "nest" / "lif_delta_tau20.npz"
# A spike of row t arrives in NEST's step t + 2: generator at t + 1 ms, and 1 ms of delay.
FIRST = 2
SHIFT = 6
SAMPLE = 60


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input spikes, weights, and spikes in the step of the row, as far as NEST ran."""
    with np.load(FILE) as file:
        steps = int(file["T"])
        inputs = np.unpackbits(file["in_raster"], axis=0)[:steps].astype(bool)
        spikes = np.zeros((steps + FIRST, 16), bool)
        spikes[file["spikes"][:, 0], file["spikes"][:, 1]] = True
        weights = file["weight"].astype(np.int64)
    assert not spikes[:FIRST].any()
    return inputs[:-1], weights, spikes[FIRST : FIRST + steps - 1]


def network(**changes: Any) -> QuantisedNetwork:
    # A step keeps exp(-1 / 20) = 3896.24 / 4096 of the potential. Rounding toward zero takes half
    # a unit more in the mean, and 3897 makes up for that.
    neuron = NeuronParameters(
        threshold=100 << SHIFT, decay=3897, refractory=1, inclusive=True, shift=SHIFT
    )
    populations = (
        QuantisedPopulation("in", 64),
        QuantisedPopulation("lif", 16, replace(neuron, **changes)),
    )
    return QuantisedNetwork(populations, (Dense("in", "lif", load()[1]),))


def wrong(quantised: QuantisedNetwork) -> int:
    inputs, _, expected = load()
    spikes = Golden(quantised).run(inputs).spikes["lif"][:, 0]
    return int((spikes != expected).sum())


@pytest.mark.parametrize("shift", [6, 7])
def test_every_spike_is_that_of_nest(shift: int) -> None:
    assert wrong(network(shift=shift, threshold=100 << shift)) == 0
    assert int(load()[2].sum()) == 664


MUTANTS = {
    # One neuron fires a step early or late three times.
    "the nearest decay": ({"decay": 3896}, 6),
    # Integers meet the threshold now and then; NEST's floating-point numbers hardly ever do.
    "must exceed the threshold": ({"inclusive": False}, 10),
    "no refractory step": ({"refractory": 0}, None),
    "a refractory step too many": ({"refractory": 2}, None),
    "a coarse decay": ({"decay": 3900}, None),
    "no fractional bits": ({"shift": 0, "threshold": 100}, None),
}


@pytest.mark.parametrize(("change", "count"), MUTANTS.values(), ids=list(MUTANTS))
def test_another_neuron_differs(change: dict[str, Any], count: int | None) -> None:
    found = wrong(network(**change))
    assert found == count if count else found > 0


def test_another_delay_differs() -> None:
    quantised = network()
    (projection,) = quantised.projections
    assert wrong(replace(quantised, projections=(replace(projection, delay=1),))) > 0


@pytest.mark.slow
def test_the_emitted_verilog_gives_the_spikes() -> None:
    inputs, _, expected = load()
    assert expected[:SAMPLE].any()
    with Device.simulate(compile(network())) as device:
        recording = device.run(inputs[:SAMPLE])
    np.testing.assert_array_equal(recording.spikes["lif"][:, 0], expected[:SAMPLE])
