"""Coroutines that run inside a Verilog simulator and move the bytes of scripts."""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, Timer, with_timeout
from cocotb.utils import get_sim_time

__all__ = ["exchange_scripts"]

PERIOD = 10
LIMIT = 20_000_000  # cycles


class Undefined(Exception):
    """The chip gave bits that are neither 0 nor 1."""


@cocotb.test()
async def exchange_scripts(dut: Any) -> None:
    """Carry out the job that ``SPIKELOOM_JOB`` names, and write its results beside it."""
    path = Path(os.environ["SPIKELOOM_JOB"])
    job = json.loads(path.read_text())
    results: list[dict[str, Any]] = []
    Clock(dut.clk, PERIOD, unit="ns").start()
    try:
        for script in job["scripts"]:
            results.append(await exchange(dut, bytes.fromhex(script), job))
    except (Undefined, SimTimeoutError) as error:
        results.append({"error": str(error) or f"not all bytes were taken in {LIMIT} cycles"})
    path.with_suffix(".results").write_text(json.dumps(results))


async def exchange(dut: Any, script: bytes, job: dict[str, Any]) -> dict[str, Any]:
    """Reset the chip, give it a script, and take all that it answers."""
    dut.rx__valid.value = dut.rx__payload.value = dut.tx__ready.value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    start = last = get_sim_time("ns")
    output, undefined = bytearray(), ""
    pauses = None if job["seed"] is None else random.Random(job["seed"])

    async def give() -> None:
        for byte in script:
            if pauses and (gap := pauses.randrange(3)):
                dut.rx__valid.value = 0
                await ClockCycles(dut.clk, gap)
            dut.rx__payload.value = byte
            dut.rx__valid.value = 1
            await RisingEdge(dut.clk)
            while dut.rx__ready.value != 1:
                await RisingEdge(dut.rx__ready)
                await RisingEdge(dut.clk)
        dut.rx__valid.value = 0

    async def take() -> None:
        nonlocal last, undefined
        while not undefined:
            takes = not pauses or pauses.random() < 0.5
            dut.tx__ready.value = takes
            # Nothing happens here until there is a byte.
            if dut.tx__valid.value != 1:
                await RisingEdge(dut.tx__valid)
            await RisingEdge(dut.clk)
            if takes and dut.tx__valid.value == 1:
                last, byte = get_sim_time("ns"), dut.tx__payload.value
                if byte.is_resolvable:
                    output.append(int(byte))
                else:
                    undefined = f"byte {len(output)} of the output is {byte}, which is no number"

    taking = cocotb.start_soon(take())
    await with_timeout(give(), LIMIT * PERIOD, "ns")
    quiet = job["patience"] * PERIOD
    begin = get_sim_time("ns")
    while (left := max(begin, last) + quiet - get_sim_time("ns")) > 0:
        await Timer(left, "ns")
    taking.cancel()
    if not undefined and not dut.tx__valid.value.is_resolvable:
        undefined = "whether there is an output byte is undefined"
    if undefined:
        raise Undefined(undefined)
    cycles = round((last - start) / PERIOD) if output else 0
    return {"output": output.hex(), "cycles": cycles}
