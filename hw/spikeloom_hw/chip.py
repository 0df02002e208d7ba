"""The chip: fabric, registers and host port behind a byte stream; no pins."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .config import ChipConfig
from .fabric import Fabric
from .host.port import HostPort
from .host.uart import UART
from .skid import Skid
from .system import System
from .tree.root import hang_on_root
from .tree.words import link_layout

__all__ = ["Chip", "SerialChip"]


class Chip(wiring.Component):
    """A whole accelerator behind a byte stream, which carries the frames of the host link.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes from the host.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes to the host.
    to_child : Out(stream.Signature(link_layout(config))).array(children)
        Words for each child, if the chip is the root of a tree; absent if not, as the next is.
    from_child : In(stream.Signature(link_layout(config))).array(children)
        Words of each child.
    link_errors : In(children)
        Links that have given up; the chip stops and says LINK_ERR, until the host resets it.
    link_reset : Out(1)
        The host resets the chip: such links are to begin anew.
    """

    rx: stream.Interface
    tx: stream.Interface
    to_child: Any
    from_child: Any
    link_errors: Signal
    link_reset: Signal

    def __init__(self, config: ChipConfig) -> None:
        self.config, self.children = config, config.children(0)
        self.below = len(self.children)
        members: dict[str, Any] = {}
        if self.below:
            word = stream.Signature(link_layout(config))
            members["to_child"] = Out(word).array(self.below)
            members["from_child"] = In(word).array(self.below)
            members |= {"link_errors": In(self.below), "link_reset": Out(1)}
        super().__init__({
            **members,
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Put the host port and the system block before the fabric."""
        m = Module()
        m.submodules.host = host = HostPort(self.config.hash, self.config.window)
        m.submodules.system = system = System(self.config)
        fabric = Fabric(self.config)
        given_up, lost = Signal(), Signal()
        m.submodules.fabric = ResetInserter(given_up)(fabric)
        m.d.comb += given_up.eq(system.reset | lost)

        connect(m, host.requests, system.requests)
        connect(m, system.responses, host.responses)
        connect(m, host.o_words, fabric.i_words)
        connect(m, system.access, fabric.access)
        connect(m, flipped(self.rx), host.rx)
        connect(m, host.tx, flipped(self.tx))

        m.d.comb += [fabric.clear.eq(system.clear)]
        for name in ("idle", "stepping", "word", "done", "recorded", "bad_word", "steps"):
            m.d.comb += getattr(system, name).eq(getattr(fabric, name))
        m.d.comb += system.activity.eq(fabric.activity)
        if not self.below:
            connect(m, fabric.o_words, host.i_words)
            return m

        connect(m, hang_on_root(m, self, system, fabric, lost), host.i_words)
        return m


class SerialChip(wiring.Component):
    """A whole accelerator behind a serial line.

    A byte that the line brings faster than it is taken is lost, which the checksum of its frame
    tells; the host sends the frame again.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    divisor : float
        Clock cycles in a bit after reset: clock frequency over baud rate. The host may choose any
        other rate, which is then measured.
    break_cycles : int or None
        Clock cycles in 300 microseconds, see :class:`~spikeloom_hw.host.uart.UART`; by default as
        if the rate after reset were 3 Mbaud.

    Members
    -------
    rx : In(1)
        Line from the host.
    tx : Out(1)
        Line to the host.
    """

    rx: Signal
    tx: Signal

    def __init__(self, config: ChipConfig, divisor: float, break_cycles: int | None = None) -> None:
        self.config = config
        self.divisor = divisor
        self.break_cycles = break_cycles
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """Put a UART before the chip; pins may lie far from it, so bytes wait on the way."""
        m = Module()
        m.submodules.uart = uart = UART(self.divisor, self.break_cycles)
        m.submodules.chip = chip = Chip(self.config)
        connect(m, uart.rx, chip.rx)
        m.submodules.sent = sent = Skid(unsigned(8))
        connect(m, chip.tx, sent.i)
        connect(m, sent.o, uart.tx)
        m.d.comb += [uart.rx_pin.eq(self.rx), self.tx.eq(uart.tx_pin)]
        return m
