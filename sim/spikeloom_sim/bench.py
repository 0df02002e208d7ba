"""Drive and collect streams in Amaranth's simulator."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from amaranth.lib import stream, wiring
from amaranth.sim import Simulator

from .exchange import PATIENCE, Exchange

__all__ = ["collect", "drive", "simulate", "simulate_bytes"]

DEADLINE = 100_000  # cycles


def simulate(
    dut: wiring.Component, *benches: Callable[[Any], Any], deadline: int = DEADLINE
) -> None:
    """Run ``benches`` against ``dut`` until each has returned.

    Raises
    ------
    TimeoutError
        If one has not returned after ``deadline`` cycles.
    """

    async def watch(ctx: Any) -> None:
        for _ in range(deadline):
            await ctx.tick()
        raise TimeoutError(f"Bench did not return within {deadline} cycles")

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    for bench in benches:
        sim.add_testbench(bench)
    sim.add_testbench(watch, background=True)
    sim.run()


def drive(port: stream.Interface, payloads: Iterable[Any], *, seed: int | None = None) -> Any:
    """Bench that sends ``payloads``, with gaps drawn from ``seed`` if it is given."""
    gaps = random.Random(seed)

    async def bench(ctx: Any) -> None:
        for payload in payloads:
            if seed is not None:
                for _ in range(gaps.randrange(3)):
                    await ctx.tick()
            ctx.set(port.payload, payload)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
            ctx.set(port.valid, 0)

    return bench


def collect(port: stream.Interface, into: list[Any], count: int, *, seed: int | None = None) -> Any:
    """Bench that receives ``count`` payloads, with stalls drawn from ``seed`` if it is given."""
    stalls = random.Random(seed)

    async def bench(ctx: Any) -> None:
        while len(into) < count:
            if seed is not None:
                for _ in range(stalls.randrange(3)):
                    await ctx.tick()
            ctx.set(port.ready, 1)
            (payload,) = await ctx.tick().sample(port.payload).until(port.valid)
            ctx.set(port.ready, 0)
            into.append(payload)

    return bench


def simulate_bytes(
    component: Any,
    scripts: Sequence[bytes],
    *,
    seed: int | None = None,
    patience: int = PATIENCE,
) -> list[Exchange]:
    """Give scripts of bytes to a chip in Amaranth's simulator, each after a reset.

    Memories are zero at the start of each script, unlike in the other simulations.

    Parameters
    ----------
    component : Component
        A chip with byte streams ``rx`` and ``tx``.
    scripts : list of bytes
        Scripts.
    seed : int or None
        Seed of pauses on both streams; None for none.
    patience : int
        Cycles without a byte after which an exchange ends, once all bytes are in.

    Returns
    -------
    list of Exchange
        One for each script.
    """
    sim = Simulator(component)
    sim.add_clock(1e-6)
    script, output, last = bytearray(), bytearray(), [0]

    async def bench(ctx: Any) -> None:
        rx, tx = component.rx, component.tx
        pauses = random.Random(seed)
        offering, cycle, silence = False, 0, 0
        while script or silence < patience:
            offering = bool(script) and (offering or seed is None or pauses.random() < 0.5)
            takes = seed is None or pauses.random() < 0.5
            ctx.set(rx.valid, offering)
            ctx.set(rx.payload, script[0] if offering else 0)
            ctx.set(tx.ready, takes)
            _, _, ready, valid, byte = await ctx.tick().sample(rx.ready, tx.valid, tx.payload)
            cycle, silence = cycle + 1, silence + 1
            if offering and ready:
                del script[0]
                offering, silence = False, 0
            if takes and valid:
                output.append(byte)
                last[0], silence = cycle, 0

    sim.add_testbench(bench)
    exchanges = []
    for number, given in enumerate(scripts):
        script[:], output[:], last[0] = given, b"", 0
        if number:
            sim.reset()
        sim.run()
        exchanges.append(Exchange(bytes(output), last[0]))
    return exchanges
