"""Coroutines that run inside a Verilog simulator and drive an accelerator over its buses."""

import importlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time

from spikeloom_hw.event import VALUED, Kind, Operation, pack, unpack, unpack_values
from spikeloom_sim.wishbone_bench import BusError, WishboneMaster

__all__ = ["drive_buses"]

# It is not typed, and only the benches of AXI need it.
axi: Any = importlib.import_module("cocotbext.axi")

PERIOD = 10  # nanoseconds
LIMIT = 400_000  # cycles
Listed = list[Any]


class Master(Protocol):
    """What makes accesses at a register port."""

    async def access(self, offset: int, value: int | None, size: int) -> tuple[bool, int]:
        """Make one access; tell whether it failed, and what was read."""
        ...


class AxiMaster:
    """Accesses through the model of an AXI4-Lite master."""

    def __init__(self, dut: Any, seed: int | None) -> None:
        bus = axi.AxiLiteBus.from_prefix(dut, "s_axi")
        self.master = axi.AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
        write, read = self.master.write_if, self.master.read_if
        channels = [write.aw_channel, write.w_channel, write.b_channel]
        for k, channel in enumerate([*channels, read.ar_channel, read.r_channel]):
            pause(channel, seed, k)

    async def access(self, offset: int, value: int | None, size: int) -> tuple[bool, int]:
        """Make one access; tell whether it failed, and what was read."""
        if value is None:
            answer = await self.master.read(offset, 4)
            return bool(answer.resp), int.from_bytes(answer.data, "little")
        data = value.to_bytes(4, "little")[:size]
        return bool((await self.master.write(offset, data)).resp), 0


def pause(channel: Any, seed: int | None, number: int) -> None:
    """Let a channel pause at random: half of the time, and now and then for long."""
    if seed is None:
        return
    pick = random.Random(seed * 100 + number)

    def pauses() -> Iterator[bool]:
        while True:
            long = pick.random() < 0.02
            yield from [long or pick.random() < 0.5] * (pick.randrange(20, 60) if long else 1)

    channel.set_pause_generator(pauses())


@cocotb.test()
async def drive_buses(dut: Any) -> None:
    """Carry out the job that ``SPIKELOOM_JOB`` names, and write its results beside it."""
    path = Path(os.environ["SPIKELOOM_JOB"])
    job = json.loads(path.read_text())
    try:
        result = await with_timeout(cocotb.start_soon(run(dut, job)), LIMIT * PERIOD, "ns")
    except (BusError, SimTimeoutError) as error:
        result = {"error": str(error) or f"not all was done in {LIMIT} cycles"}
    path.with_suffix(".results").write_text(json.dumps([result]))


async def run(dut: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Reset, then make the accesses and move the words."""
    seed = job["seed"]
    dut.aresetn.value = 0
    Clock(dut.aclk, PERIOD, unit="ns").start()
    kind = AxiMaster if job["port"] == "axi" else WishboneMaster
    master: Master = kind(dut, seed)
    clocked = {"clock": dut.aclk, "reset": dut.aresetn, "reset_active_level": False}
    width = len(dut.s_axis_tdata)
    source = axi.AxiStreamSource(
        axi.AxiStreamBus.from_prefix(dut, "s_axis"), **clocked, byte_size=width
    )
    sink = axi.AxiStreamSink(
        axi.AxiStreamBus.from_prefix(dut, "m_axis"), **clocked, byte_size=width
    )
    pause(source, seed, 10)
    pause(sink, seed, 11)
    await ClockCycles(dut.aclk, 3)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, 2)

    result: dict[str, Any] = {"before": await accesses(master, job["before"])}
    start = get_sim_time("ns")
    moving = cocotb.start_soon((network if job["schedule"] else host)(job, source, sink))
    result["during"] = []
    while job["during"] and not moving.done():
        result["during"] += await accesses(master, job["during"])
    result["packets"] = await moving
    result["cycles"] = round((get_sim_time("ns") - start) / PERIOD)
    result["after"] = await accesses(master, job["after"])
    return result


async def accesses(master: Master, listed: list[Listed]) -> list[tuple[bool, int]]:
    """Make accesses, one after the other."""
    return [await master.access(*access) for access in listed]


async def host(job: dict[str, Any], source: Any, sink: Any) -> list[list[int]]:
    """Give an accelerator all words, and take its packets."""
    source.send_nowait(axi.AxiStreamFrame(tdata=job["words"]))
    return [list((await sink.recv()).tdata) for _ in range(job["steps"])]


async def network(job: dict[str, Any], source: Any, sink: Any) -> list[list[int]]:
    """Be the network of a single core: the bus, the step control and the host."""

    async def ask(step: int) -> list[int]:
        """Put a STEP on the bus, and all that the core answers, END too."""
        source.send_nowait(axi.AxiStreamFrame(tdata=[step]))
        *events, end = (await sink.recv()).tdata
        if unpack(end & 0xFFFFFFFF)[0] != Kind.END:
            raise BusError(f"the packet of a core ends with 0x{end:08x}, which is no END")
        source.send_nowait(axi.AxiStreamFrame(tdata=[*events, end]))
        return events

    packets: list[list[int]] = []
    await ask(pack(Kind.STEP, Operation.CLEAR, 0))
    for event in events_of(job["words"], source.width):
        if unpack(event & 0xFFFFFFFF)[0] != Kind.STEP:
            source.send_nowait(axi.AxiStreamFrame(tdata=[event]))
            continue
        packets.append([event for step in job["schedule"] for event in await ask(step)])
        done = pack(Kind.STEP, Operation.DONE, len(packets) - 1)
        source.send_nowait(axi.AxiStreamFrame(tdata=[done]))
    await source.wait()
    return packets


def events_of(words: list[int], width: int) -> Iterator[int]:
    """Put each VALUE above the event before it, as events are on the bus."""
    pairs = zip(words, [*words[1:], 0], strict=True)
    for word, following in pairs:
        kind = unpack(word)[0]
        if kind in VALUED:
            value = int(unpack_values(np.array([following], np.uint32))[0])
            yield word | (value << 32) & ((1 << width) - 1)
        elif kind != Kind.VALUE:
            yield word
