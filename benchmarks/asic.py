"""The demo's core in an open standard-cell library: area, and the longest path.

The library is that of the Debian package qflow-tech-osu018 (0.18 micrometres), installed or
unpacked into build/osu018.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import click

from spikeloom import compile
from spikeloom.demo.images import load_network
from spikeloom_boards.asic import emit_asic
from spikeloom_boards.asic_mapping import LibraryMapping, map_to_library
from spikeloom_hw.yosys import yosys_version

FILE = "usr/share/qflow/tech/osu018/osu018_stdcells.lib"
PLACES = (Path("/") / FILE, Path(__file__).parents[1] / "build" / "osu018" / FILE)
TARGET = "generic-16"


def report_timing(mapping: LibraryMapping, liberty: Path) -> None:
    """Print what OpenSTA takes for the longest path, if it is there."""
    sta = shutil.which("sta")
    if sta is None:
        print("OpenSTA: not there; apt-get install opensta")
        return
    with tempfile.TemporaryDirectory() as folder:
        netlist, script = Path(folder) / "mapped.v", Path(folder) / "sta.tcl"
        netlist.write_text(mapping.netlist)
        lines = [
            f"read_liberty {liberty}",
            f"read_verilog {netlist}",
            "link_design spikeloom",
            "create_clock -name clk -period 10 [get_ports clk]",
            "report_checks -path_delay max",
            "exit",
        ]
        script.write_text("\n".join(lines) + "\n")
        done = subprocess.run([sta, script], capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if "data arrival time" in line]
    said = f"{found[0].split()[0]} ns" if found else "no path: it cannot read the netlist"
    print(f"OpenSTA, with registers, without wires: {said}")


@click.command(help=__doc__)
@click.option("--liberty", type=Path, help="Another library.")
def main(liberty: Path | None) -> None:
    """Print the memories, the area and the longest path."""
    found = liberty or next((path for path in PLACES if path.is_file()), None)
    if found is None:
        print(
            "No library: apt-get download qflow-tech-osu018 && "
            "dpkg -x qflow-tech-osu018_*.deb build/osu018"
        )
        return
    program = compile(load_network(), TARGET)
    with tempfile.TemporaryDirectory() as folder:
        emission = emit_asic(program, folder)
        begin = time.perf_counter()
        mapping = map_to_library(emission, found)
        seconds = time.perf_counter() - begin
    for memory in emission.memories:
        kind = memory.macro.name if memory.macro else "registers"
        print(f"{memory.name:45} {memory.depth:6} x {memory.width:3}  {kind}")
    print(f"The demo on {TARGET}; {mapping.text()}")
    print(f"Yosys {yosys_version()} with ABC, {seconds:.0f} s")
    report_timing(mapping, found)


if __name__ == "__main__":
    main()
