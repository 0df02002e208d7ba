"""The same networks on 1, 2, 4 and 8 cores, as Verilog: spikes, states, weights and traces.

Random networks with recurrence, delays, convolutions and sparse projections on the structure
"everything", half of them with random pins; random networks that learn; and the demo. Measured on
two busy cores: half an hour, nearly all of it the compilation of chips.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, Program, QuantisedNetwork, compile
from spikeloom.demo.images import DemoImages, load_network
from spikeloom.estimate import estimate
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.random_network import random_case
from spikeloom_sim.recording import Recording
from spikeloom_sim.structures import LEARNING, STRUCTURES

STEPS = 12
LARGEST = 30
Row = tuple[str, ...]


class Devices:
    """A simulated chip that programs are loaded into, one after the other."""

    def __init__(self) -> None:
        self.device: Device | None = None

    def load(self, program: Program) -> Device:
        """Load a program; the first one makes the chip."""
        if self.device is None:
            self.device = Device.simulate(program)
        else:
            self.device.load(program)
        return self.device

    def close(self) -> None:
        """Close the link."""
        if self.device is not None:
            self.device.close()


def chip_of(core: CoreConfig, cores: int) -> ChipConfig:
    """Make a chip of cores of a structure, with room for any cut."""
    return ChipConfig(replace(core, bases=core.neuron_rows * (cores > 1)), cores=cores)


def state_differs(device: Device, network: QuantisedNetwork, golden: Golden) -> bool:
    """Tell whether the state of any neuron is not golden's."""
    assert golden.state is not None
    return any(
        not np.array_equal(values, getattr(golden.state[population.name], member)[0])
        for population in network.neurons
        for member, values in device.state(population.name).items()
    )


def learned_differs(device: Device, network: QuantisedNetwork, golden: Golden) -> bool:
    """Tell whether weights, thresholds, leaks or traces are not golden's."""
    learned, wanted = device.learned(network), golden.learned
    pairs = zip(learned.projections, wanted.projections, strict=True)
    wrong = any(not np.array_equal(mine.weights, other.weights) for mine, other in pairs)
    for mine, other in zip(learned.neurons, wanted.neurons, strict=True):
        for name in ("threshold", "decay"):
            wrong |= not np.all(getattr(mine.neuron, name) == getattr(other.neuron, name))
    return wrong or traces_differ(device, network, golden)


def traces_differ(device: Device, network: QuantisedNetwork, golden: Golden) -> bool:
    """Tell whether a trace or an eligibility is not golden's."""
    assert golden.state is not None
    found = device.traces(network)
    return any(
        not np.array_equal(getattr(found[label], name), array)
        for label, kept in golden.state.learning.items()
        for name, array in kept._asdict().items()
    )


def random_networks(cores: int, count: int) -> Iterator[tuple[QuantisedNetwork, Program, dict]]:
    """Draw networks, and compile them for a chip; every other one has pins."""
    core = STRUCTURES["everything"]
    for seed in range(count):
        case = random_case(seed, core, steps=STEPS, largest=LARGEST)
        rng = np.random.default_rng([seed, cores])
        names = [p.name for p in case.network.neurons]
        pins = {name: int(rng.integers(cores)) for name in names if seed % 2}
        yield case.network, compile(case.network, chip_of(core, cores), pins=pins), case.spikes


def learning_networks(cores: int, count: int) -> Iterator[tuple[QuantisedNetwork, Program, dict]]:
    """Draw networks that learn, and compile them for a chip; what they are taught is with it."""
    for seed in range(count):
        case = random_learning_case(seed, 40)
        program = compile(case.network, chip_of(LEARNING, cores))
        yield case.network, program, {"spikes": case.spikes, **case.teaching}


def measure(
    kind: str, cores: int, count: int, draw: Callable[..., Iterator[tuple]], learns: bool
) -> Row:
    """Run networks on a chip of so many cores: a row of the table."""
    begin, devices = time.perf_counter(), Devices()
    cut = spikes = wrong = 0
    for network, program, given in draw(cores, count):
        sample = given if learns else {"spikes": given}
        golden = Golden(network)
        expected: Recording = golden.run(**sample)
        device = devices.load(program)
        recording = device.run(**sample)
        cut += any(not p.whole for p in program.neurons)
        spikes += int(sum(train.sum() for train in expected.spikes.values()))
        fine = expected.difference(recording) is None
        fine &= not state_differs(device, network, golden)
        fine &= not (learns and learned_differs(device, network, golden))
        operations = "synaptic_operations"
        fine &= recording.counters[operations] == expected.counters[operations]
        wrong += not fine
    devices.close()
    seconds = time.perf_counter() - begin
    return kind, str(cores), str(count), str(cut), f"{spikes:,}", str(wrong), f"{seconds:.0f}"


def demo(cores: int, count: int) -> tuple[Row, str]:
    """Classify images of the demo on several cores."""
    begin, network = time.perf_counter(), load_network()
    images = DemoImages.load().first(count)
    spikes = images.spikes()
    program = compile(network, "generic-16", cores=cores)
    expected = Golden(network).run(spikes)
    with Device.simulate(program) as device:
        recording = device.run(spikes)
    wrong = int(expected.difference(recording) is not None)
    fired = int(sum(train.sum() for train in expected.spikes.values()))
    cut = sum(not p.whole for p in program.neurons) > 0
    seconds = time.perf_counter() - begin
    steps = spikes.shape[0] * spikes.shape[1]
    seen = {name: float(train.mean()) for name, train in expected.spikes.items()}
    told = estimate(program, {**seen, network.inputs[0].name: float(spikes.mean())})
    parts = ("integrate", "update", "control")
    busy = sum(recording.counters[f"cycles_{part}"] for part in parts) / steps
    line = f"demo on {cores} cores: {busy:.1f} cycles a step busy, {told.core:.1f} were told"
    numbers = (str(count), str(int(cut)), f"{fired:,}", str(wrong), f"{seconds:.0f}")
    return ("demo", str(cores), *numbers), line


@click.command(help=__doc__)
@click.option("--networks", default=50, show_default=True, help="Random networks.")
@click.option("--learning", default=50, show_default=True, help="Random networks that learn.")
@click.option("--images", default=3, show_default=True, help="Images of the demo.")
@click.option("--cores", multiple=True, type=int, default=(1, 2, 4, 8), show_default=True)
def main(networks: int, learning: int, images: int, cores: tuple[int, ...]) -> None:
    """Print a table of what was run, and how many results differed."""
    table = Table("kind", "cores", "runs", "cut", "spikes", "differ", "seconds")
    lines = []
    for count in cores:
        if networks:
            table.add_row(*measure("network", count, networks, random_networks, False))
        if learning:
            table.add_row(*measure("learning", count, learning, learning_networks, True))
        if images:
            row, line = demo(count, images)
            table.add_row(*row)
            lines.append(line)
        Console(stderr=True).print(table)
    Console().print(table)
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
