"""Coroutines that run inside a Verilog simulator and move the levels of a serial line."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer, ValueChange
from cocotb.utils import get_sim_time

from spikeloom_sim.uart_line import LineReader, LineWriter

__all__ = ["exchange_lines"]

PERIOD = 10_000  # picoseconds


class Undefined(Exception):
    """The line has a level that is neither 0 nor 1."""


@cocotb.test()
async def exchange_lines(dut: Any) -> None:
    """Carry out the job that ``SPIKELOOM_JOB`` names, and write its results beside it."""
    path = Path(os.environ["SPIKELOOM_JOB"])
    job = json.loads(path.read_text())
    results: list[dict[str, Any]] = []
    Clock(dut.clk, PERIOD, unit="ps").start()
    try:
        for script in job["scripts"]:
            results.append({"output": (await exchange(dut, bytes.fromhex(script), job)).hex()})
    except Undefined as error:
        results.append({"error": str(error)})
    path.with_suffix(".results").write_text(json.dumps(results))


async def exchange(dut: Any, script: bytes, job: dict[str, Any]) -> bytes:
    """Reset the chip, give it a script, and take all that it answers."""
    dut.rx.value = 1
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 10)
    edges: list[float] = []

    async def watch() -> None:
        while True:
            await ValueChange(dut.tx)
            edges.append(get_sim_time("ps") / PERIOD)

    watching = cocotb.start_soon(watch())
    await send(dut, script, job)
    quiet = job["patience"] * PERIOD
    begin = get_sim_time("ps")
    while (left := max(begin, *(edge * PERIOD for edge in edges[-1:])) + quiet) > (
        now := get_sim_time("ps")
    ):
        await Timer(round(left - now), "ps")
    watching.cancel()
    if not dut.tx.value.is_resolvable:
        raise Undefined(f"the level of tx is {dut.tx.value}")
    return LineReader(job["bit"]).feed(edges, get_sim_time("ps") / PERIOD)


async def send(dut: Any, script: bytes, job: dict[str, Any]) -> None:
    """Move the line; nothing happens here between two edges."""
    writer = LineWriter()
    if job["break"]:
        writer.hold(0, job["break"])
        writer.hold(1, job["bit"])
        writer.send(b"\x55", job["bit"])
    writer.send(script, job["bit"])
    start = get_sim_time("ps")
    level = 1
    for edge in [*writer.edges, writer.now]:
        left = round(start + edge * PERIOD - get_sim_time("ps"))
        if left > 0:
            await Timer(left, "ps")
        level = 1 - level
        if edge < writer.now:
            dut.rx.value = level
