"""The top of a board: pins, clock, reset, and a chip behind a serial line."""

from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import Out

from .board import Board
from .clock import make_pll

__all__ = ["CHIP", "BoardTop", "ResetTimer"]

CHIP = "spikeloom"
"""Name of the module with the chip, which the top has as a black box."""

# Block RAM of an iCE40 reads as zeros for 3 microseconds after the configuration.
_RESET_SECONDS = 15e-6


class ResetTimer(wiring.Component):
    """Reset that lasts for some cycles after that of its own domain.

    Parameters
    ----------
    cycles : int
        How long.

    Members
    -------
    reset : Out(1)
        Reset for the rest of the design.
    """

    reset: Signal

    def __init__(self, cycles: int) -> None:
        self.cycles = cycles
        super().__init__({"reset": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """Count up, as some tools do not give flip-flops a first value other than 0."""
        m = Module()
        count = Signal(range(self.cycles + 1))
        over = Signal()
        m.d.comb += self.reset.eq(~over)
        with m.If(count == self.cycles):
            m.d.sync += over.eq(1)
        with m.Else():
            m.d.sync += count.eq(count + 1)
        return m


class BoardTop(Elaboratable):
    """Pins, clock and reset around the chip, which is a module of its own.

    The light of the board is on after the reset, and dims while bytes are on the line.

    Parameters
    ----------
    board : Board
        What it is for.
    """

    def __init__(self, board: Board) -> None:
        self.board = board

    def elaborate(self, platform: Any) -> Module:
        """Connect the pins of the board to the chip."""
        m = Module()
        reset = self._make_clock(m, platform)

        names = [line.name for line in platform.lookup("uart", 0).ios if hasattr(line, "ios")]
        uart = platform.request("uart", 0, dir=dict.fromkeys(names, "-"))
        m.submodules.rx_buffer = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx_buffer = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.submodules.chip = Instance(
            CHIP, i_clk=ClockSignal(), i_rst=ResetSignal(), i_rx=rx.i, o_tx=tx.o
        )

        # The serial line is high while nothing is on it.
        if self.board.led is not None:
            light = self._find_light(platform)
            m.submodules.led_buffer = led = io.Buffer(io.Direction.Output, light)
            m.d.comb += led.o.eq(~reset & rx.i & tx.o)
        return m

    def _find_light(self, platform: Any) -> Any:
        """Pin of the light; of one with three colours, the green."""
        assert self.board.led is not None
        name, number = self.board.led
        if not hasattr(platform.lookup(name, number).ios[0], "ios"):
            return platform.request(name, number, dir="-")
        colours = dict.fromkeys("rgb", "-")
        return platform.request(name, number, dir=colours).g

    def _make_clock(self, m: Module, platform: Any) -> Signal:
        """Drive the domain of the core; the result is its reset."""
        board, clock = self.board, Signal()
        pin = platform.request(platform.default_clk, dir="-")
        if board.crystal == board.frequency:
            m.submodules.clock_buffer = buffer = io.Buffer(io.Direction.Input, pin)
            m.d.comb += clock.eq(buffer.i)
            good = Signal(init=1)
        else:
            m.submodules.clock, good = make_pll(
                board.device, board.crystal, board.frequency, pin.io, clock
            )
        held = Signal()
        m.d.comb += held.eq(~good)
        if platform.default_rst is not None:
            pressed = platform.request(platform.default_rst, dir="-")
            m.submodules.reset_buffer = button = io.Buffer(io.Direction.Input, pressed)
            m.d.comb += held.eq(~good | button.i)

        # The reset lasts from the configuration, or the last moment without a clock.
        m.domains.power = ClockDomain(local=True)
        m.domains.sync = ClockDomain()
        m.d.comb += [ClockSignal("power").eq(clock), ClockSignal().eq(clock)]
        m.submodules.power_reset = ResetSynchronizer(held, domain="power")
        timer = ResetTimer(round(_RESET_SECONDS * board.frequency))
        m.submodules.reset_timer = DomainRenamer("power")(timer)
        m.d.comb += ResetSignal().eq(timer.reset)
        return timer.reset
