"""The chip: fabric, registers and host port behind a byte stream; no pins."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .config import ChipConfig
from .fabric import Fabric
from .host.port import HostPort
from .system import System

__all__ = ["Chip"]


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
    """

    rx: stream.Interface
    tx: stream.Interface

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Put the host port and the system block before the fabric."""
        m = Module()
        m.submodules.host = host = HostPort(self.config.hash, self.config.window)
        m.submodules.system = system = System(self.config)
        fabric = Fabric(self.config)
        m.submodules.fabric = ResetInserter(system.reset)(fabric)

        connect(m, host.requests, system.requests)
        connect(m, system.responses, host.responses)
        connect(m, host.o_words, fabric.i_words)
        connect(m, fabric.o_words, host.i_words)
        connect(m, system.access, fabric.access)
        connect(m, flipped(self.rx), host.rx)
        connect(m, host.tx, flipped(self.tx))

        m.d.comb += [fabric.clear.eq(system.clear)]
        for name in ("idle", "stepping", "word", "done", "recorded", "bad_word", "steps"):
            m.d.comb += getattr(system, name).eq(getattr(fabric, name))
        m.d.comb += system.activity.eq(fabric.activity)

        return m
