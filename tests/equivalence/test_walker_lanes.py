"""How far convolutions fill the lanes, from the counters of the emitted Verilog."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from spikeloom import (
    Convolution,
    Golden,
    NeuronParameters,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.compiled import CompiledChip

LANES = 8
STEPS = 2
PATIENCE = 20_000  # more than the longest window without a word for the host

# The chip of test_walkers.py, which is compiled once for both.
CORE = CoreConfig(
    lanes=LANES,
    update_lanes=4,
    weight_rows=8192,
    neuron_rows=512,
    populations=4,
    projections=8,
    sources=8,
    phases=4,
    taps=64,
    pointers=1024,
    synapse_rows=8192,
)


@cache
def chip() -> CompiledChip:
    return CompiledChip(ChipConfig(CORE))


@dataclass(frozen=True)
class Kernel:
    """A convolution of 8 x 8 pixels, and how it is walked."""

    channels: int
    outputs: int
    size: int = 3
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1

    @property
    def bound(self) -> float:
        """C_out / (CB * L); of a group, if there are groups, that begins in lane 0."""
        outputs = self.outputs // self.groups
        return outputs / (-(-outputs // LANES) * LANES)

    def network(self) -> QuantisedNetwork:
        """Give a layer in which every neuron fires in each step, and its convolution."""
        shape = (self.channels, 8, 8)
        weights = np.random.default_rng(5).integers(
            -8, 8, (self.outputs, self.channels // self.groups, self.size, self.size)
        )
        layer = Convolution(
            "busy",
            "out",
            weights,
            input_shape=shape,
            stride=(self.stride, self.stride),
            padding=((self.padding, self.padding), (self.padding, self.padding)),
            dilation=(self.dilation, self.dilation),
            groups=self.groups,
        )
        busy = NeuronParameters(threshold=0, bias=1)
        silent = NeuronParameters(threshold=(1 << 17) - 1)
        populations = (
            QuantisedPopulation("in", 1),
            QuantisedPopulation("busy", self.channels * 64, busy, shape=shape),
            QuantisedPopulation(
                "out", int(np.prod(layer.output_shape)), silent, shape=layer.output_shape
            ),
        )
        return QuantisedNetwork(populations, (layer,))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel",
    [
        Kernel(4, 8),
        Kernel(4, 12),
        Kernel(4, 5, padding=0),
        Kernel(4, 20, stride=2),
        Kernel(4, 12, size=5, stride=2, padding=2),
        Kernel(16, 16, size=1, padding=0),
        Kernel(4, 8, dilation=2, padding=2),
        Kernel(8, 16, groups=2),
        Kernel(16, 16, groups=16),
    ],
    ids=str,
)
def test_lanes_work_as_far_as_the_channels_fill_them(kernel: Kernel) -> None:
    # A cycle lost for each event or tap, or a block too many, breaks the first; a block too few
    # in the bound the second.
    net, silence = kernel.network(), {"in": np.zeros((STEPS, 1), bool)}
    program = compile(net, ChipConfig(CORE), record=("out",))
    output = chip().exchange(script_of(program, silence), patience=PATIENCE).output
    counters = read_run(program, output, STEPS).counters
    expected = Golden(net).run(silence).counters
    assert counters["synaptic_operations"] == expected["synaptic_operations"] > 0
    used = counters["synaptic_operations"] / counters["cycles_integrate"] / LANES
    assert 0.9 * kernel.bound <= used <= kernel.bound
