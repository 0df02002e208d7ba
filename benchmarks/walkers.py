"""How busy convolutions keep the lanes: synaptic operations for each cycle of integration.

Measured on two cores: a minute, nearly all of it the compilation of one chip for all rows.
"""

from dataclasses import dataclass, replace

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import (
    Convolution,
    Device,
    Golden,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom_hw.config import ChipConfig, CoreConfig

STEPS = 2
PIXELS = 12
SEED = 1


@dataclass(frozen=True)
class Kernel:
    """A convolution of 12 x 12 pixels.

    Parameters
    ----------
    channels, outputs : int
        Channels of the source and of the target.
    size, stride, padding, dilation, groups : int
        Those of both axes.
    """

    channels: int
    outputs: int
    size: int = 3
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1

    def __str__(self) -> str:
        parts = [f"{self.channels} to {self.outputs}, {self.size} x {self.size}"]
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
            if getattr(self, name) != usual:
                parts.append(f"{name} {getattr(self, name)}")
        return ", ".join(parts)

    def blocks(self, lanes: int) -> int:
        """Rows of lanes that the output channels of a group take."""
        return -(-self.outputs // self.groups // lanes)

    def network(self) -> QuantisedNetwork:
        """Build a layer in which every neuron fires in every step, and its convolution."""
        shape = (self.channels, PIXELS, PIXELS)
        rng = np.random.default_rng(SEED)
        form = (self.outputs, self.channels // self.groups, self.size, self.size)
        layer = Convolution(
            "busy",
            "out",
            rng.integers(-8, 8, form),
            input_shape=shape,
            stride=(self.stride, self.stride),
            padding=((self.padding, self.padding), (self.padding, self.padding)),
            dilation=(self.dilation, self.dilation),
            groups=self.groups,
        )
        out = layer.output_shape
        busy = NeuronParameters(threshold=0, bias=1)
        silent = NeuronParameters(threshold=(1 << 17) - 1)
        populations = (
            QuantisedPopulation("in", 1),
            QuantisedPopulation("busy", int(np.prod(shape)), busy, shape=shape),
            QuantisedPopulation("out", int(np.prod(out)), silent, shape=out),
        )
        return QuantisedNetwork(populations, (layer,))


KERNELS = (
    Kernel(4, 16),
    Kernel(4, 16, padding=0),
    Kernel(4, 16, stride=2),
    Kernel(4, 16, size=5, stride=2, padding=2),
    Kernel(4, 16, padding=2, dilation=2),
    Kernel(16, 16, size=1, padding=0),
    Kernel(4, 32),
    Kernel(4, 24),
    Kernel(4, 20, size=5, padding=2),
    Kernel(4, 8),
    Kernel(32, 32, groups=2),
    Kernel(16, 16, groups=16),
)


def common_chip(networks: list[QuantisedNetwork], target: str) -> ChipConfig:
    """Hardware of a target with room for each of the networks."""
    cores = [compile(network, target).config.core for network in networks]
    most = {
        name: max(getattr(core, name) for core in cores)
        for name in CoreConfig.__dataclass_fields__
        if isinstance(getattr(cores[0], name), int)
    }
    chip = compile(networks[0], target).config
    return replace(chip, core=replace(chip.core, **most))


def run(device: Device, network: QuantisedNetwork) -> dict[str, int]:
    """Count a run, whose operations and spikes are those of the golden model."""
    program: Program = compile(network, device.program.config, record=("out",))
    device.load(program)
    silence = np.zeros((STEPS, 1), bool)
    counters = device.run(silence).counters
    expected = Golden(network).run(silence).counters
    for name, count in expected.items():
        if counters[name] != count:
            raise SystemExit(f"{name}: the Verilog counts {counters[name]:,}, golden {count:,}")
    return counters


@click.command()
@click.option("--target", default="generic-16", show_default=True)
def main(target: str) -> None:
    """Print the table."""
    networks = [kernel.network() for kernel in KERNELS]
    chip = common_chip(networks, target)
    lanes = chip.core.lanes
    table = Table("channels, kernel", "C_out / (CB L)", "utilisation", "share", "per cycle")
    for name in ("cycles of integration", "synaptic operations", "goal"):
        table.add_column(name)
    for column in table.columns[1:]:
        column.justify = "right"
    with Device.simulate(compile(networks[0], chip)) as device:
        for kernel, network in zip(KERNELS, networks, strict=True):
            counters = run(device, network)
            rate = counters["synaptic_operations"] / counters["cycles_integrate"]
            bound = kernel.outputs / kernel.groups / (kernel.blocks(lanes) * lanes)
            table.add_row(
                str(kernel),
                f"{bound:.3f}",
                f"{rate / lanes:.3f}",
                f"{rate / lanes / bound:.1%}",
                f"{rate:.2f}",
                f"{counters['cycles_integrate']:,}",
                f"{counters['synaptic_operations']:,}",
                "met" if rate / lanes >= 0.9 * bound else "-",
            )
    console = Console(width=140)
    console.print(
        f"Shape of {target}: {lanes} lanes; the emitted Verilog in CXXRTL, {STEPS} steps in which "
        f"every neuron of a layer\nof {PIXELS} x {PIXELS} pixels fires once, so each pixel and "
        "channel counts alike. Utilisation: synaptic operations for each\ncycle of integration "
        "(cycles_integrate, with all look-ups and tokens), of L. C_out and CB are those of a group."
        "\nGoal: 0.9 of C_out / (CB L)."
    )
    console.print(table)


if __name__ == "__main__":
    main()
