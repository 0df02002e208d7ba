"""The same networks on cores and chips, as Verilog: spikes, states, weights and traces.

Random networks with recurrence, delays, convolutions and sparse projections on the structure
"everything", half of them with random pins; random networks that learn, every other one in sparse
projections; and the demo, on hardware of its own. On chips, the host asks for a part of the
populations of every third network alone. Chips are joined by registers; with --wires, by links.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, Program, QuantisedNetwork, compile
from spikeloom.demo.images import DemoImages, load_network
from spikeloom.estimate import estimate
from spikeloom.link_costs import LinkCosts
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.compiled import SimulatedTransport
from spikeloom_sim.noisy_tree import CompiledNoisyTree, Noise
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.random_network import random_case
from spikeloom_sim.recording import Recording
from spikeloom_sim.structures import SPARSE_LEARNING, STRUCTURES

STEPS = 12
LARGEST = 30
LESSONS = 40
WIRES = 4  # cycles that wires take one way, if there are any
PARTS = ("integrate", "update", "control")


@dataclass(frozen=True)
class Place:
    """Chips to put networks on.

    Parameters
    ----------
    cores : int
        Cores of each chip.
    parents : tuple of int
        Parent of each chip but the root.
    """

    cores: int
    parents: tuple[int, ...] = ()

    @property
    def chips(self) -> int:
        """Number of chips."""
        return 1 + len(self.parents)

    def compile(self, network: QuantisedNetwork, core: CoreConfig, **chosen: Any) -> Program:
        """Compile a network for chips of cores of a structure, with room for any cut."""
        bases = core.neuron_rows * (self.cores * self.chips > 1)
        chip = ChipConfig(replace(core, bases=bases), cores=self.cores, parents=self.parents)
        return compile(network, chip, cores=self.cores, chips=self.chips, **chosen)


PLACES = {
    "1 core": Place(1),
    "2 cores": Place(2),
    "4 cores": Place(4),
    "8 cores": Place(8),
    "2 chips": Place(1, (0,)),
    "2 chips of 2 cores": Place(2, (0,)),
    "4 chips": Place(1, (0, 0, 0)),
    "4 chips, 2 in a row": Place(1, (0, 0, 1)),
}


@dataclass(frozen=True, eq=False)
class Work:
    """A program, and what it is given.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    program : Program
        Its program.
    sample : dict of str to array
        Arguments of a run.
    record : tuple of str or None
        Populations that the host receives; None for all.
    """

    network: QuantisedNetwork
    program: Program
    sample: dict[str, Any]
    record: tuple[str, ...] | None = None


def random_networks(place: Place, count: int) -> Iterator[Work]:
    """Draw networks, and compile them; every other one has pins."""
    core, cores = STRUCTURES["everything"], place.cores * place.chips
    for seed in range(count):
        case = random_case(seed, core, steps=STEPS, largest=LARGEST)
        rng = np.random.default_rng([seed, cores])
        names = [p.name for p in case.network.neurons]
        pins = {name: int(rng.integers(cores)) for name in names if seed % 2}
        chosen: tuple[str, ...] | None = None
        if place.chips > 1 and seed % 3 == 2:
            chosen = tuple(name for name in names if rng.random() < 0.5) or (names[0],)
        program = place.compile(case.network, core, pins=pins, record=chosen)
        yield Work(case.network, program, {"spikes": case.spikes}, chosen)


def learning_networks(place: Place, count: int) -> Iterator[Work]:
    """Draw networks that learn, and compile them; every other one has a pin."""
    cores = place.cores * place.chips
    for seed in range(count):
        case = random_learning_case(seed, LESSONS, sparse=seed % 2 > 0)
        rng = np.random.default_rng([seed, cores])
        pins = {str(rng.choice(["a", "b"])): int(rng.integers(cores))} if seed % 4 > 1 else {}
        program = place.compile(case.network, SPARSE_LEARNING, pins=pins)
        yield Work(case.network, program, {"spikes": case.spikes, **case.teaching})


def demo_network(place: Place, count: int) -> Iterator[Work]:
    """Give the demo, compiled for a target, and images."""
    network = load_network()
    program = compile(network, "generic-16", cores=place.cores, chips=place.chips)
    yield Work(network, program, {"spikes": DemoImages.load().first(count).spikes()})


KINDS: dict[str, Callable[[Place, int], Iterator[Work]]] = {
    "network": random_networks,
    "learning": learning_networks,
    "demo": demo_network,
}


class Devices:
    """Simulated chips that programs are loaded into, one after the other.

    Parameters
    ----------
    wires : bool
        Whether chips are joined by links over wires.
    """

    def __init__(self, wires: bool) -> None:
        self.device: Device | None = None
        self.wires = wires

    def load(self, program: Program) -> Device:
        """Load a program; the first one makes the chips."""
        if self.device is not None:
            self.device.load(program)
        elif self.wires and program.config.parents:
            tree = CompiledNoisyTree(program.config, [0] * len(program.config.parents))
            tree.begin(Noise(1, 0.0))
            self.device = Device(SimulatedTransport(tree.chip), program)
        else:
            self.device = Device.simulate(program)
        return self.device

    def close(self) -> None:
        """Close the link."""
        if self.device is not None:
            self.device.close()


def state_differs(device: Device, network: QuantisedNetwork, golden: Golden) -> bool:
    """Tell whether the state of any neuron after the last sample is not golden's."""
    assert golden.state is not None
    return any(
        not np.array_equal(values, getattr(golden.state[population.name], member)[-1])
        for population in network.neurons
        for member, values in device.state(population.name).items()
    )


def learned_differs(device: Device, network: QuantisedNetwork, golden: Golden) -> bool:
    """Tell whether weights, thresholds, leaks, traces or eligibilities are not golden's."""
    assert golden.state is not None
    learned, wanted, found = device.learned(network), golden.learned, device.traces(network)
    pairs = zip(learned.projections, wanted.projections, strict=True)
    wrong = any(not np.array_equal(mine.weights, other.weights) for mine, other in pairs)
    for mine, other in zip(learned.neurons, wanted.neurons, strict=True):
        for name in ("threshold", "decay"):
            wrong |= not np.all(getattr(mine.neuron, name) == getattr(other.neuron, name))
    return wrong or any(
        not np.array_equal(getattr(found[label], name), array)
        for label, kept in golden.state.learning.items()
        for name, array in kept._asdict().items()
    )


def differs(device: Device, work: Work) -> tuple[bool, Recording]:
    """Run a program: whether anything is not golden's, and what the device gave."""
    golden = Golden(work.network)
    expected: Recording = golden.run(**work.sample, record=work.record)
    recording = device.run(**work.sample)
    operations = "synaptic_operations"
    wrong = expected.difference(recording) is not None
    wrong |= recording.counters[operations] != expected.counters[operations]
    wrong |= state_differs(device, work.network, golden)
    if work.program.plastic:
        wrong |= learned_differs(device, work.network, golden)
    return wrong, recording


def say_cycles(work: Work, recording: Recording, wires: bool) -> None:
    """Tell how many cycles a step took, and how many were told in advance."""
    config, (spikes,) = work.program.config, work.sample.values()
    seen = {name: float(train.mean()) for name, train in recording.spikes.items()}
    links = LinkCosts.of(config, delay=WIRES) if wires else LinkCosts.joined()
    shares = {**seen, work.network.inputs[0].name: float(spikes.mean())}
    told = estimate(work.program, shares, links=links).core
    busy = sum(recording.counters[f"cycles_{part}"] for part in PARTS)
    steps = spikes.shape[0] * spikes.shape[1]
    where = f"{config.chips} chips of {config.cores} cores"
    print(f"demo on {where}: {busy / steps:.1f} cycles a step busy, {told:.1f} were told")


def cpu() -> float:
    """Seconds of processors that this process has taken, with those that it started."""
    return sum(os.times()[:4])


def measure(kind: str, name: str, count: int, wires: bool) -> tuple[str, ...]:
    """Run networks in a place: a row of the table."""
    begin, place, devices = cpu(), PLACES[name], Devices(wires)
    cut = apart = fired = wrong = 0
    for number, work in enumerate(KINDS[kind](place, count)):
        pieces = [p.slices for p in work.program.neurons]
        cut += any(len(slices) > 1 for slices in pieces)
        apart += len({s.core // place.cores for slices in pieces for s in slices}) > 1
        failed, recording = differs(devices.load(work.program), work)
        if failed:
            Console(stderr=True).print(f"{kind} {number} on {name} differs")
        fired += int(sum(train.sum() for train in recording.spikes.values()))
        wrong += failed
        if kind == "demo":
            say_cycles(work, recording, wires)
    devices.close()
    numbers = (count, cut, apart, f"{fired:,}", wrong, f"{cpu() - begin:.0f}")
    return kind, name, *map(str, numbers)


@click.command(help=__doc__)
@click.option("--networks", default=50, show_default=True, help="Random networks.")
@click.option("--learning", default=50, show_default=True, help="Random networks that learn.")
@click.option("--images", default=3, show_default=True, help="Images of the demo.")
@click.option("--on", "places", multiple=True, type=click.Choice(list(PLACES)), default=PLACES)
@click.option("--wires", is_flag=True, help="Join chips by links over parallel wires.")
def main(networks: int, learning: int, images: int, places: tuple[str, ...], wires: bool) -> None:
    """Print a table of what was run, and how many results differed."""
    columns = ("runs", "cut", "on several chips", "spikes", "differ", "CPU seconds")
    table, counts = Table("kind", "on", *columns), (networks, learning, images)
    for name in places:
        for kind, count in zip(KINDS, counts, strict=True):
            if count:
                table.add_row(*measure(kind, name, count, wires))
                Console(stderr=True, width=120).print(table)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
