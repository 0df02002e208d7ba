"""Brian2-Loihi's traces lif_a and lif_b: every voltage, current and spike."""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, QuantisedNetwork, QuantisedPopulation, compile
from spikeloom.dialect.loihi import Compartment, brian2_weights
from spikeloom_hw.neuron import NeuronParameters, Synapse

FOLDER = Path(__file__).parents[1] / "data" / "brian2_loihi"
NAMES = ("lif_a", "lif_b")
# The voltages of lif_a reach -219002.
WIDTHS = {"lif_a": 19, "lif_b": 18}
SAMPLE = 60


@dataclass(frozen=True)
class Trace:
    """What Brian2-Loihi was given and what it answered, (steps, neurons) arrays."""

    described: dict[str, int]
    weights: np.ndarray
    inputs: np.ndarray
    voltages: np.ndarray
    currents: np.ndarray
    spikes: np.ndarray


@cache
def load(name: str) -> Trace:
    described = json.loads((FOLDER / "meta.json").read_text())[name]
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    steps = int(arrays["T"])
    inputs = np.unpackbits(arrays["in_raster"], axis=0)[:steps].astype(bool)
    spikes = np.zeros((steps, described["M"]), bool)
    spikes[arrays["spk_t"], arrays["spk_i"]] = True
    return Trace(described, arrays["w"], inputs, arrays["v"], arrays["I"], spikes)


def neuron(name: str, **changes: Any) -> NeuronParameters:
    described = load(name).described
    compartment = Compartment.from_brian2(
        described["th"], described["dv"], described["dI"], described["ref"]
    )
    return replace(compartment.neuron(width=WIDTHS[name], shift=7), **changes)


def network(name: str, **changes: Any) -> QuantisedNetwork:
    trace = load(name)
    weights = brian2_weights(trace.weights, trace.described["wexp"])
    # All are even, so that half of them, shifted by one bit more, fit into 8 bits.
    half = weights // 2
    assert np.array_equal(half * 2, weights)
    return QuantisedNetwork(
        (
            QuantisedPopulation("in", trace.described["N"]),
            QuantisedPopulation("lif", trace.described["M"], neuron(name, **changes)),
        ),
        (Dense("in", "lif", half, delay=trace.described["delay"]),),
    )


def differences(name: str, quantised: QuantisedNetwork) -> tuple[int, int, int]:
    """Voltages, currents and spikes in which the golden model is not Brian2-Loihi."""
    trace, golden = load(name), Golden(quantised)
    voltages, currents, spikes = [], [], []
    state = None
    for step in range(len(trace.inputs)):
        recording = golden.run(trace.inputs[step : step + 1], state=state)
        state = golden.state
        assert state is not None
        voltages.append(state["lif"].potential[0])
        currents.append(state["lif"].current[0])
        spikes.append(recording.spikes["lif"][0, 0])
    return (
        int((np.array(voltages) != trace.voltages).sum()),
        int((np.array(currents) != trace.currents).sum()),
        int((np.array(spikes) != trace.spikes).sum()),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_voltage_current_and_spike_is_that_of_brian2_loihi(name: str) -> None:
    assert differences(name, network(name)) == (0, 0, 0)


def test_the_traces_are_worth_comparing() -> None:
    assert [int(load(name).spikes.sum()) for name in NAMES] == [1199, 353]
    assert int(np.abs(load("lif_a").voltages).max()) == 219002
    assert [load(name).described["ref"] for name in NAMES] == [2, 1]
    assert [load(name).described["delay"] for name in NAMES] == [0, 3]


def test_one_run_of_all_steps_gives_the_same() -> None:
    trace = load("lif_a")
    recording = Golden(network("lif_a")).run(trace.inputs, potentials=True)
    np.testing.assert_array_equal(recording.spikes["lif"][:, 0], trace.spikes)
    np.testing.assert_array_equal(recording.potentials["lif"][:, 0], trace.voltages)


MUTANTS = {
    "the membrane sees the current of the step before": {"synapse": Synapse.OLD},
    "a refractory step too many": {"refractory": 2},
    "no refractory step": {"refractory": 0},
    "a decay off by one": {"decay": 3841},
    "a current that decays otherwise": {"current_decay": 3585},
    "a bit too few": {"width": 18, "minimum": None},
}


@pytest.mark.parametrize("change", MUTANTS.values(), ids=list(MUTANTS))
def test_another_neuron_differs(change: dict[str, Any]) -> None:
    voltage, _, _ = differences("lif_a", network("lif_a", **change))
    assert voltage > 0


@pytest.mark.parametrize("delay", [2, 4])
def test_another_delay_differs(delay: int) -> None:
    quantised = network("lif_b")
    (projection,) = quantised.projections
    mutant = replace(quantised, projections=(replace(projection, delay=delay),))
    voltage, current, spike = differences("lif_b", mutant)
    assert min(voltage, current, spike) > 0


@pytest.mark.slow
def test_the_emitted_verilog_gives_both_traces() -> None:
    both = [network(name, width=19) for name in NAMES]
    populations, projections = [], []
    for name, quantised in zip(NAMES, both, strict=True):
        inputs, lif = quantised.populations
        (projection,) = quantised.projections
        populations += [replace(inputs, name=f"{name} in"), replace(lif, name=name)]
        projections += [replace(projection, source=f"{name} in", target=name)]
    program = compile(QuantisedNetwork(tuple(populations), tuple(projections)))
    with Device.simulate(program) as device:
        for step in range(SAMPLE):
            spikes = device.step({f"{name} in": load(name).inputs[step] for name in NAMES})
            for name in NAMES:
                state, trace = device.state(name), load(name)
                np.testing.assert_array_equal(spikes[name], trace.spikes[step])
                np.testing.assert_array_equal(state["potential"], trace.voltages[step])
                np.testing.assert_array_equal(state["current"], trace.currents[step])
    assert all(load(name).spikes[:SAMPLE].any() for name in NAMES)
