"""What the counters of the emitted Verilog say of its speed, in Icarus under cocotb."""

import numpy as np
import pytest

from spikeloom import (
    Golden,
    LIFParameters,
    QuantisedNetwork,
    QuantisedPopulation,
    QuantisedProjection,
    compile,
)
from spikeloom.host.script import read_run, script_of
from spikeloom_sim.compiled import emitted_verilog
from spikeloom_sim.cosim import cosimulate

SIZE = 256
STEPS = 2


@pytest.mark.parametrize("lanes", [8, 16, 32])
def test_every_lane_works_in_every_cycle(lanes: int) -> None:
    rng = np.random.default_rng(lanes)
    neuron = LIFParameters(threshold=1 << 16, decay=3900)
    network = QuantisedNetwork(
        (QuantisedPopulation("i", SIZE), QuantisedPopulation("n", SIZE, neuron)),
        (QuantisedProjection("i", "n", rng.integers(-127, 128, (SIZE, SIZE))),),
    )
    program = compile(network, f"generic-{lanes}")
    spikes = np.ones((STEPS, SIZE), bool)

    (exchange,) = cosimulate(
        emitted_verilog(program.config), [script_of(program, {"i": spikes})], patience=20_000
    )
    recording = read_run(program, exchange.output, STEPS)

    expected = Golden(network).run(spikes)
    counters = recording.counters
    assert expected.difference(recording) is None
    assert counters["synaptic_operations"] == STEPS * SIZE * SIZE
    assert counters["synaptic_operations"] >= 0.99 * lanes * counters["cycles_integrate"]
    update_lanes = program.config.core.update_lanes
    assert counters["cycles_update"] <= STEPS * (SIZE // update_lanes + 8)
    assert counters["cycles_update"] >= STEPS * SIZE // update_lanes
