"""What the counters of the emitted Verilog say of its speed."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloom import (
    Dense,
    Golden,
    NeuronParameters,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom.host.script import read_run, script_of
from spikeloom_boards.target import TARGETS
from spikeloom_sim.compiled import CompiledChip, emitted_verilog

SIZE = 256
STEPS = 2
SWEEP = 8
FIND_DUE_ROWS = 1  # beyond what a sweep of all rows may take


@pytest.mark.parametrize(("lanes", "skip"), [(8, False), (16, True), (32, False)])
def test_every_lane_works_in_every_cycle(lanes: int, skip: bool) -> None:
    rng = np.random.default_rng(lanes)
    neuron = NeuronParameters(threshold=1 << 16, decay=3900)
    network = QuantisedNetwork(
        (QuantisedPopulation("i", SIZE), QuantisedPopulation("n", SIZE, neuron)),
        (Dense("i", "n", rng.integers(-127, 128, (SIZE, SIZE))),),
    )
    program = compile(network, replace(TARGETS[f"generic-{lanes}"], skip=skip))
    spikes = np.ones((STEPS, SIZE), bool)

    chip = CompiledChip(emitted_verilog(program.config))
    exchange = chip.exchange(script_of(program, {"i": spikes}), patience=20_000)
    recording = read_run(program, exchange.output, STEPS)

    expected = Golden(network).run(spikes)
    counters = recording.counters
    assert expected.difference(recording) is None
    assert counters["synaptic_operations"] == STEPS * SIZE * SIZE
    assert counters["synaptic_operations"] >= 0.99 * lanes * counters["cycles_integrate"]
    update_lanes = program.config.core.update_lanes
    most = SWEEP + FIND_DUE_ROWS if skip else SWEEP
    assert counters["cycles_update"] <= STEPS * (SIZE // update_lanes + most)
    assert counters["cycles_update"] >= STEPS * SIZE // update_lanes
