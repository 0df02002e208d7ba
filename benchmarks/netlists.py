"""The demo's first images through the netlists that Yosys makes for iCE40 and ECP5.

Netlists and models of their cells are compiled by Verilator, which takes minutes, and held against
the golden model spike for spike, and against the chip before synthesis cycle for cycle.
"""

import os
import re
import time
from collections import Counter

import click
import numpy as np

from spikeloom import Golden, compile
from spikeloom.demo import DemoImages
from spikeloom.demo.images import load_network
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.yosys import yosys_version
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.netlists import Family, mapped_chip
from spikeloom_sim.tools import tool_version

PLANS: dict[Family, tuple[int, str]] = {"ice40": (4, "up5k"), "ecp5": (8, "generic-16")}
"""Width of the weights, and target, by family."""


def compare(family: Family, count: int) -> None:
    """Print what a family's netlist is made of, and how its spikes compare."""
    bits, target = PLANS[family]
    network, images = load_network(bits), DemoImages.load().first(count)
    program = compile(network, target)
    begin = time.perf_counter()
    path = mapped_chip(program.config, family)
    mapped = time.perf_counter()
    netlist = path.read_text().split("endmodule", 1)[0]
    cells = Counter(re.findall(r"^  ([A-Z]\w*) (?:#\(|\S+ +\()", netlist, re.MULTILINE))
    print(f"{family}: {target}, {bits}-bit weights, Yosys in {mapped - begin:.0f} s")
    print("  " + ", ".join(f"{n:,} {cell}" for cell, n in sorted(cells.items())))
    chip = CompiledChip(path, engine="verilator")
    compiled = time.perf_counter()
    spikes = images.spikes()
    expected = Golden(network).run({"image": spikes})
    same = CompiledChip(program)
    cycles = 0
    ready = time.perf_counter()
    for k in range(count):
        script = script_of(program, {"image": spikes[:, k]})
        exchange = chip.exchange(script)
        if exchange != same.exchange(script):
            raise SystemExit(f"{family}: image {k} differs from the chip before synthesis")
        recording = read_run(program, exchange.output, images.steps)
        for name, array in recording.spikes.items():
            if not np.array_equal(array[:, 0], expected.spikes[name][:, k]):
                raise SystemExit(f"{family}: image {k} differs from golden in {name}")
        cycles += exchange.cycles
    seconds = time.perf_counter() - ready
    print(
        f"  {count} images as golden has them: {cycles:,} cycles, weights loaded each time, as "
        f"before synthesis; Verilator compiled in {compiled - mapped:.0f} s, "
        f"{cycles / seconds:,.0f} cycles/s with both"
    )


@click.command(help=__doc__)
@click.option("--images", default=2, show_default=True, help="Images to classify.")
@click.option("--family", type=click.Choice(list(PLANS)), help="One family alone.")
def main(images: int, family: Family | None) -> None:
    """Compare both families, and print the conditions."""
    for name in PLANS:
        if family in (None, name):
            compare(name, images)
    print(
        f"Yosys {yosys_version()}; {tool_version('verilator')}; {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
