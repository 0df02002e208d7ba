"""Learn in NEST what stdp_rules.npz holds: pairs of neurons joined by synapses of several models.

Run it with a Python that has nest-simulator 3.10.0 and NumPy; Spikeloom does not need it.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
PAIRS, STEPS = 40, 1200
RESOLUTION = 0.5
DELAY = 0.5
"""A postsynaptic spike reaches the synapse half a step after it was sent."""

PAIR = {"Wmax": 1.0, "lambda": 0.02, "alpha": 1.05, "tau_plus": 20.0}
AFTER = {"tau_minus": 20.0}
TRIPLET = {"Wmax": 1.0, "tau_plus": 16.8, "tau_plus_triplet": 101.0}
ADDITIVE = {"mu_plus": 0.0, "mu_minus": 0.0}
MULTIPLICATIVE = {"mu_plus": 1.0, "mu_minus": 1.0}

# Model, its parameters, and those of the postsynaptic neuron.
SYNAPSES: dict[str, tuple[str, dict[str, float], dict[str, float]]] = {
    "additive": ("stdp_synapse", PAIR | ADDITIVE, AFTER),
    "multiplicative": ("stdp_synapse", PAIR | MULTIPLICATIVE, AFTER),
    "nearest": ("stdp_nn_symm_synapse", PAIR | ADDITIVE, AFTER),
    "nearest_multiplicative": ("stdp_nn_symm_synapse", PAIR | MULTIPLICATIVE, AFTER),
    "restricted": ("stdp_nn_restr_synapse", PAIR | ADDITIVE, AFTER),
    "pre_centered": ("stdp_nn_pre_centered_synapse", PAIR | ADDITIVE, AFTER),
    # The amplitudes of the preset.
    "triplet": (
        "stdp_triplet_synapse",
        TRIPLET
        | {"Aplus": 0.005, "Aminus": 0.007, "Aplus_triplet": 0.0062, "Aminus_triplet": 0.00023},
        {"tau_minus": 33.7, "tau_minus_triplet": 125.0},
    ),
    # All four terms of like weight.
    "triplet_even": (
        "stdp_triplet_synapse",
        TRIPLET
        | {"Aplus": 0.005, "Aminus": 0.004, "Aplus_triplet": 0.005, "Aminus_triplet": 0.004},
        {"tau_minus": 33.7, "tau_minus_triplet": 125.0},
    ),
    # Pairs that depress and triplets that potentiate: the minimal model of the paper.
    "triplet_minimal": (
        "stdp_triplet_synapse",
        TRIPLET | {"Aplus": 0.0, "Aminus": 0.0071, "Aplus_triplet": 0.0065, "Aminus_triplet": 0.0},
        {"tau_minus": 33.7, "tau_minus_triplet": 114.0},
    ),
    # Dopamine is gone long before the next step: a spike adds the eligibility to the weight.
    "reward": (
        "stdp_dopamine_synapse",
        {"A_plus": 0.004, "A_minus": 0.0042, "tau_plus": 20.0, "tau_c": 200.0, "tau_n": 0.001}
        | {"b": 0.0, "Wmin": 0.0, "Wmax": 1.0},
        AFTER,
    ),
}


def trains() -> tuple[np.ndarray, np.ndarray]:
    """Draw spikes before and after, (STEPS, PAIRS): Poisson, with a common part at some lag."""
    random = np.random.default_rng(16)
    rates = np.linspace(0.006, 0.018, PAIRS)
    pre, post, common = (random.random((STEPS, PAIRS)) < rates * share for share in (0.6, 0.6, 0.4))
    for pair in range(PAIRS):
        pre[:, pair] |= common[:, pair]
        post[:, pair] |= np.roll(common[:, pair], pair % 7 - 3)
    # NEST takes it that a presynaptic neuron fired at 0, and the last spike shows the weight.
    pre[0], pre[-1], post[:2] = True, True, False
    return pre, post


def dopamine() -> np.ndarray:
    """Draw how many neurons send dopamine in each step."""
    random = np.random.default_rng(7)
    return random.integers(1, 4, STEPS) * (random.random(STEPS) < 0.02)


def parrots(nest: Any, count: int, spikes: list[dict[str, Any]], **parameters: float) -> Any:
    """Neurons that send given spikes, each half a step after its generator."""
    generators = nest.Create("spike_generator", count, spikes)
    neurons = nest.Create("parrot_neuron", count, parameters)
    nest.Connect(generators, neurons, "one_to_one", {"delay": RESOLUTION})
    return neurons


def rewards(nest: Any) -> Any:
    """Volume transmitter of dopamine, which arrives with the postsynaptic spikes of its step."""
    sent = dopamine()
    steps = np.flatnonzero(sent)
    spikes = [{"spike_times": 1.0 + steps, "spike_multiplicities": sent[steps]}]
    transmitter = nest.Create("volume_transmitter")
    nest.Connect(parrots(nest, 1, spikes), transmitter, "one_to_one", {"delay": DELAY})
    return transmitter


def learned(
    nest: Any, name: str, pre: np.ndarray, post: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Weights at the presynaptic spikes, pair after pair, in NEST's order of time."""
    model, parameters, neuron = SYNAPSES[name]
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = RESOLUTION
    recorder = nest.Create("weight_recorder")
    further = {"volume_transmitter": rewards(nest)} if name == "reward" else {}
    nest.CopyModel(model, "learning", {**parameters, **further, "weight_recorder": recorder})
    before, after = (
        parrots(nest, PAIRS, [{"spike_times": 1.0 + np.flatnonzero(s)} for s in spikes.T], **given)
        for spikes, given in ((pre, {}), (post, neuron))
    )
    for pair in range(PAIRS):
        # Port 1 of a parrot takes spikes without repeating them.
        synapse = {
            "synapse_model": "learning",
            "weight": start[pair],
            "delay": DELAY,
            "receptor_type": 1,
        }
        nest.Connect(before[pair], after[pair], "one_to_one", synapse)
    nest.Simulate(STEPS + 10.0)
    events = recorder.events
    order = np.lexsort((events["times"], events["senders"]))
    steps = np.rint(events["times"] - 1.0 - RESOLUTION).astype(int)
    expected = [np.flatnonzero(column) for column in pre.T]
    np.testing.assert_array_equal(steps[order], np.concatenate(expected))
    return events["weights"][order].astype(np.float32)


def main() -> None:
    """Run every model, and write what it learned and with which parameters."""
    nest: Any = importlib.import_module("nest")
    pre, post = trains()
    start = np.round(np.linspace(0.3, 0.7, PAIRS) * 64) / 64
    weights: dict[str, Any] = {name: learned(nest, name, pre, post, start) for name in SYNAPSES}
    arrays = {"pre": np.packbits(pre, axis=0), "post": np.packbits(post, axis=0), "start": start}
    arrays["dopamine"] = dopamine().astype(np.uint8)
    np.savez_compressed(FOLDER / "stdp_rules.npz", **(weights | arrays))
    meta = {
        "nest": nest.__version__,
        "numpy": np.__version__,
        "steps": STEPS,
        "resolution": RESOLUTION,
        "delay": DELAY,
        "synapses": {
            name: {"model": model, "synapse": parameters, "neuron": neuron}
            for name, (model, parameters, neuron) in SYNAPSES.items()
        },
    }
    (FOLDER / "stdp_rules.json").write_text(json.dumps(meta, indent=1) + "\n")


if __name__ == "__main__":
    main()
