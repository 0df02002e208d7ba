"""Cycles per second of every way to simulate the same design on the same bytes.

Takes two minutes on two cores, most of it the first compilation.
"""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import (
    Dense,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom.host.script import script_of
from spikeloom_hw.chip import Chip
from spikeloom_sim.bench import simulate_bytes
from spikeloom_sim.compiled import CompiledChip, emitted_verilog
from spikeloom_sim.cosim import Simulator, cosimulate
from spikeloom_sim.exchange import Exchange
from spikeloom_sim.library import Engine
from spikeloom_sim.tools import tool_version

SIZE = 64
SEED = 1

Run = Callable[[list[bytes]], list[Exchange]]


def workload(lanes: int, steps: int) -> tuple[Program, bytes]:
    """Give a network of 64 inputs and 64 neurons, half of whose inputs fire, and its script."""
    rng = np.random.default_rng(SEED)
    network = QuantisedNetwork(
        (
            QuantisedPopulation("input", SIZE),
            QuantisedPopulation("neurons", SIZE, NeuronParameters(threshold=4000, decay=3686)),
        ),
        (Dense("input", "neurons", rng.integers(-127, 128, (SIZE, SIZE))),),
    )
    program = compile(network, f"generic-{lanes}")
    return program, script_of(program, {"input": rng.random((steps, SIZE)) < 0.5})


def measure(run: Run, script: bytes, seconds: float) -> tuple[Exchange, float, float]:
    """Give the exchange, the best cycles per second without the start, and the first run's time."""
    begin = time.perf_counter()
    run([script])
    first = time.perf_counter() - begin
    best = 0.0
    end = time.perf_counter() + seconds
    while True:
        # Two runs differ by the scripts alone; what is fast needs many of them.
        few, exchanges = _timed(run, [script])
        count = max(1, round(seconds / 6 / few))
        many, _ = _timed(run, [script] * (1 + count))
        best = max(best, count * exchanges[0].cycles / max(many - few, 1e-9))
        if time.perf_counter() > end:
            return exchanges[0], best, first


def _timed(run: Run, scripts: list[bytes]) -> tuple[float, list[Exchange]]:
    begin = time.perf_counter()
    exchanges = run(scripts)
    return time.perf_counter() - begin, exchanges


def ways(program: Program) -> dict[str, Run]:
    """Give all ways to simulate the hardware of a program, by name."""
    verilog = emitted_verilog(program.config)

    def compiled(engine: Engine) -> Run:
        def run(scripts: list[bytes]) -> list[Exchange]:
            chip = CompiledChip(verilog, engine=engine)
            return [chip.exchange(script, patience=500) for script in scripts]

        return run

    def through_cocotb(simulator: Simulator) -> Run:
        return lambda scripts: cosimulate(verilog, scripts, simulator=simulator, patience=500)

    return {
        "Amaranth's simulator": lambda scripts: simulate_bytes(
            Chip(program.config), scripts, patience=500
        ),
        "cocotb + Icarus": through_cocotb("icarus"),
        "cocotb + Verilator": through_cocotb("verilator"),
        "CXXRTL, compiled": compiled("cxxrtl"),
        "Verilator, compiled": compiled("verilator"),
    }


def processor() -> str:
    """Name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@click.command(help=__doc__)
@click.option("--lanes", default=16, show_default=True, help="Synapses per cycle.")
@click.option("--steps", default=20, show_default=True, help="Time steps of the script.")
@click.option("--seconds", default=6.0, show_default=True, help="Time for each measurement.")
def main(lanes: int, steps: int, seconds: float) -> None:
    """Measure all, and print the table and the conditions."""
    program, script = workload(lanes, steps)
    table = Table("simulation", "cycles/s", "first run, s")
    for column in table.columns[1:]:
        column.justify = "right"
    exchanges = []
    for name, run in ways(program).items():
        exchange, rate, start = measure(run, script, seconds)
        exchanges.append(exchange)
        table.add_row(name, f"{rate:,.0f}", f"{start:.1f}")
    console = Console()
    console.print(table)
    if any(exchange != exchanges[0] for exchange in exchanges):
        raise SystemExit("The simulations differ")
    console.print(
        f"{lanes} lanes; {len(script):,} bytes in, {len(exchanges[0].output):,} bytes out, "
        f"{exchanges[0].cycles:,} cycles, the same in all five. Best of several. The first run "
        "includes elaboration and compilation, unless they were kept."
    )
    tools = ", ".join(tool_version(tool) for tool in ("g++", "iverilog", "verilator"))
    console.print(
        f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}; {tools}"
    )


if __name__ == "__main__":
    main()
