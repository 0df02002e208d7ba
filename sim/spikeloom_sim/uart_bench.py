"""Benches of a serial line in Amaranth's simulator: edges in, edges out, at any phase."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect
from amaranth.sim import Simulator

from spikeloom_hw.host.uart import UART

__all__ = ["Echo", "exchange_edges"]

PERIOD = 1e-6


class Echo(wiring.Component):
    """A UART that sends back what it receives.

    Parameters
    ----------
    uart : UART
        The line.
    takes : bool
        Whether it takes bytes at all.

    Members
    -------
    rx, tx : In(1), Out(1)
        Pins.
    cycle : Out(32)
        Clock cycles since reset.
    lost : Out(8)
        How often the UART has reported a lost byte.
    """

    rx: Signal
    tx: Signal
    cycle: Signal
    lost: Signal

    def __init__(self, uart: UART, takes: bool = True) -> None:
        self.uart = uart
        self.takes = takes
        super().__init__({
            "rx": In(1),
            "tx": Out(1),
            "cycle": Out(32),
            "lost": Out(8),
        })

    def elaborate(self, platform: Any) -> Module:
        """Join the two streams."""
        m = Module()
        m.submodules.uart = uart = self.uart
        if self.takes:
            connect(m, uart.rx, uart.tx)
        m.d.comb += [uart.rx_pin.eq(self.rx), self.tx.eq(uart.tx_pin)]
        m.d.sync += [self.cycle.eq(self.cycle + 1), self.lost.eq(self.lost + uart.overflow)]
        return m


def exchange_edges(echo: Echo, edges: Sequence[float], cycles: int) -> tuple[list[float], int]:
    """Move the pin of an echo, and watch what it answers.

    Parameters
    ----------
    echo : Echo
        What to simulate.
    edges : sequence of float
        Times at which ``rx`` changes, in clock cycles.
    cycles : int
        How long to simulate.

    Returns
    -------
    tuple of list of float and int
        Cycles in which ``tx`` changed, and how many bytes were lost.
    """
    answered: list[float] = []
    lost = 0

    async def move(ctx: Any) -> None:
        nonlocal lost
        now, level = 0.0, 1
        ctx.set(echo.rx, level)
        for edge in edges:
            await ctx.delay((edge - now) * PERIOD)
            now, level = edge, 1 - level
            ctx.set(echo.rx, level)
        await ctx.delay((cycles - now) * PERIOD)
        lost = ctx.get(echo.lost)

    async def watch(ctx: Any) -> None:
        # The first change is that the simulation begins.
        level = 1
        async for (now,) in ctx.changed(echo.tx):
            if now != level:
                answered.append(float(ctx.get(echo.cycle)))
            level = now

    simulator = Simulator(echo)
    simulator.add_clock(PERIOD)
    simulator.add_testbench(move)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return answered, lost
