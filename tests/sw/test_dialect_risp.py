from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, compile
from spikeloom.dialect import risp

Rng = np.random.Generator


def simulate(case: dict[str, Any]) -> tuple[list[np.ndarray], dict[int, float]]:
    """RISP by its events, in Python's own numbers: rasters of the runs, charges at the end."""
    p = case["params"]
    thresholds = {entry[0]: entry[1] for entry in case["neurons"]}
    leaks = {
        entry[0]: bool(entry[2]) if p["leak_mode"] == "configurable" else p["leak_mode"] == "all"
        for entry in case["neurons"]
    }
    charge = dict.fromkeys(thresholds, 0.0)
    queue: dict[int, list[tuple[int, float]]] = {}
    rasters = []
    for run in case["runs"]:
        if run["clear_before"]:
            charge, queue = dict.fromkeys(thresholds, 0.0), {}
        for node, time, value in run["input"]:
            queue.setdefault(time, []).append((node, entering(p, value)))
        steps = run["T"] + p.get("run_time_inclusive", False)
        raster = np.zeros((steps, len(thresholds)), bool)
        for time in range(steps):
            events = queue.pop(time, [])
            for node, _ in events:
                charge[node] = max(0.0 if leaks[node] else charge[node], p["min_potential"])
            for node, added in events:
                charge[node] += added
            for node in {node for node, _ in events}:
                level = thresholds[node] + (0 if p.get("threshold_inclusive", True) else 1e-7)
                if charge[node] >= level:
                    raster[time, sorted(thresholds).index(node)] = True
                    charge[node] = 0.0
                    for source, target, weight, delay in case["synapses"]:
                        if source == node:
                            added = p["weights"][weight] if p.get("weights") else weight
                            queue.setdefault(time + delay, []).append((target, added))
        queue = {time - steps: events for time, events in queue.items()}
        rasters.append(raster)
    return rasters, {
        node: max(0.0 if leaks[node] else c, p["min_potential"]) for node, c in charge.items()
    }


def entering(p: dict[str, Any], value: float) -> float:
    if p.get("inputs_from_weights"):
        return p["weights"][min(int(value * len(p["weights"])), len(p["weights"]) - 1)]
    added = value * p["spike_value_factor"]
    return float(np.floor(added)) if p["discrete"] else added


def random_case(rng: Rng) -> dict[str, Any]:
    discrete = bool(rng.integers(2))
    unit = 1 if discrete else 0.25
    mode = ["all", "none", "configurable"][rng.integers(3)]
    params: dict[str, Any] = {
        "min_threshold": 1, "max_threshold": 4, "max_delay": 64, "discrete": discrete,
        "min_potential": -unit * int(rng.integers(5)), "leak_mode": mode,
        "threshold_inclusive": bool(rng.integers(2)), "run_time_inclusive": bool(rng.integers(2)),
    }  # fmt: skip
    listed = bool(rng.integers(2))
    if listed:
        params |= {"weights": sorted(unit * w for w in (-4, -2, 1, 3, 8, 9))}
        params |= {"inputs_from_weights": bool(rng.integers(2))}
    else:
        params |= {"min_weight": -3, "max_weight": 4}
    if not params.get("inputs_from_weights"):
        params["spike_value_factor"] = 5
    size = int(rng.integers(3, 12))
    numbers = rng.choice(40, size, replace=False).tolist()
    neurons = [[n, unit * int(rng.integers(1, 12)), int(rng.integers(2))] for n in numbers]
    longest = [1, 4, 15, 64][rng.integers(4)]
    synapses = [
        [a, b, int(rng.integers(6)) if listed else unit * int(rng.integers(-8, 12)),
         int(rng.integers(1, longest + 1))]
        for a in numbers for b in numbers if rng.random() < 0.4
    ]  # fmt: skip
    inputs = numbers[: int(rng.integers(1, size))]
    values = [1.0] if rng.integers(2) else [0.0, 0.25, 0.5, 1.0]
    runs = []
    for _ in range(3):
        steps = int(rng.integers(10, 60))
        events = [[i, t, rng.choice(values)] for i in inputs for t in range(steps)
                  for _ in range(rng.binomial(2, 0.2))]  # fmt: skip
        runs += [{"T": steps, "clear_before": bool(rng.random() < 0.3), "input": events}]
    return {"params": params, "neurons": neurons, "synapses": synapses, "inputs": inputs,
            "outputs": numbers[-1:], "runs": runs}  # fmt: skip


@pytest.mark.parametrize("dense", [False, True], ids=["list", "matrices"])
@pytest.mark.parametrize("seed", range(25))
def test_random_networks_give_the_rasters_of_a_simulation_by_events(seed: int, dense: bool) -> None:
    case = random_case(np.random.default_rng(seed))
    rasters, charges = simulate(case)
    network = risp.read(case, dense=dense)
    golden, state = Golden(network.quantised), None
    for run, expected in zip(case["runs"], rasters, strict=True):
        begin = None if run["clear_before"] else state
        recording = golden.run(network.stimulus(run["input"], run["T"]), state=begin)
        state = golden.state
        np.testing.assert_array_equal(recording.spikes["nodes"][:, 0], expected)
    assert state is not None
    left = state["nodes"].potential[0]
    for place, node in enumerate(network.description.nodes):
        if not node.leaks:
            assert left[place] == charges[node.id] * network.scale


def test_the_random_networks_fire() -> None:
    cases = [random_case(np.random.default_rng(seed)) for seed in range(25)]
    spikes = [sum(int(r.sum()) for r in simulate(case)[0]) for case in cases]
    assert sorted(spikes)[5] > 20


@pytest.mark.slow
def test_the_emitted_verilog_gives_a_random_network_with_long_delays() -> None:
    case = random_case(np.random.default_rng(9))
    network = risp.read(case)
    listed = network.quantised.projections[1]
    assert listed.longest_delay == 61
    assert network.quantised.population("inputs").largest > 1
    assert len({node.leaks for node in network.description.nodes}) == 2
    with Device.simulate(compile(network.quantised)) as device:
        for run, expected in zip(case["runs"], simulate(case)[0], strict=True):
            stimulus = network.stimulus(run["input"], run["T"])
            recording = device.run(stimulus, reset=run["clear_before"])
            np.testing.assert_array_equal(recording.spikes["nodes"][:, 0], expected)
