"""What a core costs and how fast it is: cells, clock after place and route, and operations.

Each core is placed and routed alone, out of context, with registers on its ports. A clock depends
on the seed of the placement; all seeds are printed. A run of one seed takes one to three minutes.
"""

import itertools
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from rich.console import Console
from rich.table import Table

from spikeloom import LIF as NEURON
from spikeloom import Network, QuantisedNetwork, compile, quantise
from spikeloom.demo.images import load_network
from spikeloom.learning import Rule, RuleBack, pair_stdp, stop
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.synthesis import TOP, count_cells, synthesise_for
from spikeloom_boards.target import Target
from spikeloom_boards.tools import run_tool
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.core import Core
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.neuron import Constant, Fields, Per, Reset, Synapse

LIF: dict[str, Constant | Per] = {
    "reset": Constant(Reset.SUBTRACT.value),
    "reset_value": Constant(0),
    "minimum": Constant(-(1 << 17)),
    "refractory": Constant(0),
    "inclusive": Constant(0),
    "shift": Constant(4),
}
CURRENT: dict[str, Constant | Per] = {
    **LIF,
    "synapse": Constant(Synapse.NEW.value),
    "current_decay": Per.POPULATION,
}
PARTS = ("dependence", "errors", "sdsp", "back", "neurons", "eligibility")
WHOLE = LearningConfig(terms=4, pre_traces=2, post_traces=3, **dict.fromkeys(PARTS, True))
OWN: dict[str, Constant | Per] = {**LIF, "threshold": Per.NEURON, "decay": Per.NEURON}
RAMS = ("block_ram", "spram")
FEW: dict[str, Any] = {"populations": 2, "projections": 2, "sources": 4, "phases": 2}
# Weights that a device reads in a cycle if every block RAM gives 36 bits (architecture, 10).
BOUNDS = {"ecp5": 208 * 36 // 8, "ice40": 64 // 8}


class Registered(wiring.Component):
    """A core behind registers, so that no path of its ports counts.

    Where a package has too few pins for them, what comes in is shifted in, the words of event and
    access through the same registers, and what goes out is folded.
    """

    given: Signal
    seen: Signal

    def __init__(self, config: ChipConfig, *, narrow: bool) -> None:
        self.core = core = Core(config)
        self.narrow = narrow
        self.width = Shape.cast(core.event).width
        self.words = max(32, self.width) if narrow else self.width + 64
        self.count = self.words + 4
        activity = Shape.cast(core.activity.shape()).width
        self.found = self.width + 2 + activity + 32
        members = {"given": In(1 if narrow else self.count)}
        members |= {"seen": Out(1 if narrow else self.found)}
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Put registers on both sides."""
        m = Module()
        m.submodules.core = core = self.core
        given, found = Signal(self.count), Signal(self.found)
        m.d.sync += given.eq(Cat(given[1:], self.given) if self.narrow else self.given)
        events, control = given[: self.width], given[-4:]
        address, value = given[:32], Cat(*reversed(given[:32]))
        if not self.narrow:
            address, value = given[self.width :][:32], given[self.width + 32 :][:32]
        m.d.comb += [
            Value.cast(core.i.payload).eq(events),
            core.i.valid.eq(control[0]),
            core.o.ready.eq(control[1]),
            core.access.address.eq(address),
            core.access.value.eq(value),
            core.access.write.eq(control[3]),
            core.access.read.eq(~control[3] & control[2]),
            found.eq(
                Cat(core.o.payload, core.o.valid, core.i.ready, core.activity, core.access.data)
            ),
        ]
        if self.core.config.core.learning:
            m.d.comb += [Value.cast(core.teach.payload).eq(events), core.teach.valid.eq(control[1])]
        if not self.narrow:
            m.d.sync += self.seen.eq(found)
            return m
        folded = Signal(-(-self.found // 4))
        bits = [found[first : first + 4].xor() for first in range(0, self.found, 4)]
        m.d.sync += [folded.eq(Cat(bits)), self.seen.eq(folded.xor())]
        return m


@dataclass(frozen=True)
class Case:
    """A core to build.

    Parameters
    ----------
    name : str
        What the table calls it.
    board : str
        Board whose device it is for.
    config : ChipConfig
        The core, as part of a chip.
    goal : float
        Frequency in MHz that it should reach.
    """

    name: str
    board: str
    config: ChipConfig
    goal: float


def cases() -> list[Case]:
    """Cores of 64 k synapses, those of the demo network, and a small one that learns."""
    eight, four = load_network(8), load_network(4)
    icebreaker = BOARDS["icebreaker"].target
    pair = _network((256, 256), pair_stdp(), None)
    stops = _network((784, 128, 10), stop(), RuleBack())
    small = _network((256, 64), pair_stdp(), None)
    named = [
        ("LIF, L=16, U=4", "ulx3s-85f", _core(LIF, 16, 4), 100),
        ("LIF, L=32, U=8", "ulx3s-85f", _core(LIF, 32, 8), 100),
        ("current-based LIF, L=16, U=4", "ulx3s-85f", _core(CURRENT, 16, 4), 90),
        ("LIF with pair STDP, L=16, U=4", "ulx3s-85f", _core(LIF, 16, 4, _engine(pair)), 90),
        ("LIF with STOP, L=16, U=4", "ulx3s-85f", _core(LIF, 16, 4, _engine(stops)), 90),
        ("LIF with the whole engine, L=16, U=4", "ulx3s-85f", _core(OWN, 16, 4, WHOLE), 90),
        ("demo network, 4-bit weights, L=16, U=4", "ulx3s-85f", _built(four, "generic-16"), 100),
        ("demo network, 8-bit weights, L=8, U=1", "icebreaker", _built(eight, icebreaker), 24),
        ("LIF with pair STDP, 256-64, L=8, U=1", "icebreaker", _built(small, icebreaker), 24),
    ]
    return [Case(*members) for members in named]


def _network(sizes: tuple[int, ...], rule: Rule, back: RuleBack | None) -> QuantisedNetwork:
    """Layers that all learn; errors go back from the last."""
    network = Network()
    network.add_input("0", sizes[0])
    for k, (source, target) in enumerate(itertools.pairwise(sizes), 1):
        neuron = NEURON(decay=0.8, threshold=1.0, reset="subtract")
        network.add_population(str(k), target, neuron)
        own = replace(rule, back=back) if k == len(sizes) - 1 else rule
        network.connect(str(k - 1), str(k), np.full((source, target), 0.1), rule=own)
    return quantise(network)


def _built(quantised: QuantisedNetwork, target: str | Target) -> ChipConfig:
    return compile(quantised, target).config


def _engine(quantised: QuantisedNetwork) -> LearningConfig | None:
    """Engine that a network gets where its numbers are loaded."""
    return _built(quantised, "generic-16").core.learning


def _core(
    places: dict[str, Constant | Per],
    lanes: int,
    update_lanes: int,
    learning: LearningConfig | None = None,
) -> ChipConfig:
    core = CoreConfig(
        lanes=lanes,
        update_lanes=update_lanes,
        fields=Fields(places, 18),
        weight_rows=65536 // lanes,
        neuron_rows=256 // lanes,
        learning=learning,
        **FEW,
    )
    return ChipConfig(core)


def build(case: Case, seeds: list[int]) -> dict[str, Any]:
    """Synthesise a core, and place and route it once for each seed."""
    device = BOARDS[case.board].device
    family = device.family.value
    with tempfile.TemporaryDirectory(prefix="spikeloom-cores-") as temporary:
        folder = Path(temporary)
        registered = Registered(case.config, narrow=family == "ice40")
        netlist = netlist_of(registered, TOP, defined_collisions=False)
        (folder / "design.il").write_text(netlist)
        cells, _ = synthesise_for(device, ["design.il"], folder)
        clocks = [_clock(family, case.goal, seed, folder) for seed in seeds]
    best, counted = max(clocks), count_cells(device, cells)
    lanes = case.config.core.lanes
    return {
        "core": case.name,
        "device": device.part,
        **counted,
        "with carry": counted["lut"] + 2 * cells.get("CCU2C", 0),
        "MHz": clocks,
        "goal": case.goal,
        "operations": lanes * best,
        "per 1000 LUT": lanes * best * 1000 / counted["lut"],
        "share of limit": lanes / BOUNDS[family],
    }


def _clock(family: str, goal: float, seed: int, folder: Path) -> float:
    parts = {
        "ecp5": ["--85k", "--package", "CABGA381", "--speed", "6", "--out-of-context"],
        "ice40": ["--up5k", "--package", "sg48", "--pcf-allow-unconstrained"],
    }
    report = f"report{seed}.json"
    wanted = ["--json", f"{TOP}.json", "--freq", str(1.15 * goal), "--seed", str(seed)]
    _, said = run_tool(f"nextpnr-{family}", [*parts[family], *wanted, "--report", report], folder)
    if not (folder / report).exists():
        raise click.ClickException(f"nextpnr failed: {said.splitlines()[-1]}")
    (clock,) = json.loads((folder / report).read_text())["fmax"].values()
    return float(clock["achieved"])


@click.command()
@click.option("--seeds", default=3, show_default=True, help="Placements of each core.")
@click.option("--only", default="", help="Cores whose name has this in it.")
def main(seeds: int, only: str) -> None:
    """Print the table."""
    console = Console(width=150)
    table = Table(title="Cores after place and route (nextpnr, out of context)")
    table.add_column("core")
    columns = ("device", "LUT4", "with carry", "FF", "block RAM", "SPRAM", "DSP")
    clocks = ("MHz by seed", "goal")
    rates = ("M operations/s", "per 1000 LUT4", "weights/cycle of the device's limit")
    for column in (*columns, *clocks, *rates):
        table.add_column(column, justify="right")
    luts: dict[str, int] = {}
    for case in cases():
        if only not in case.name:
            continue
        built = build(case, list(range(1, seeds + 1)))
        luts[case.name] = built["lut"]
        table.add_row(
            case.name,
            built["device"],
            *(f"{built[name]:,}" for name in ("lut", "with carry", "ff", *RAMS, "dsp")),
            ", ".join(f"{clock:.1f}" for clock in built["MHz"]),
            f"{built['goal']:g}",
            f"{built['operations']:,.0f}",
            f"{built['per 1000 LUT']:,.0f}",
            f"{built['share of limit']:.1%}",
        )
        console.print(table)
    wide, narrow = luts.get("LIF, L=32, U=8"), luts.get("LIF, L=16, U=4")
    if wide and narrow:
        console.print(f"LUT4 for each lane more: {(wide - narrow) / 16:.0f}")


if __name__ == "__main__":
    main()
