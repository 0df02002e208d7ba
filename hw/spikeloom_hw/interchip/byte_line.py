"""The form of the chip link for simulations and other carriers of bytes."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..host.cobs import Decoder, Encoder, decoded_layout, framed_layout

__all__ = ["ByteLine"]


class ByteLine(wiring.Component):
    """Frames as the bytes of :class:`SerialLine`, as streams without start and stop bits.

    Attributes
    ----------
    byte_cycles : int
        Cycles that a byte may take, for timeouts: a carrier of bytes keeps no time.
    retries : int
        Timeouts without progress after which the link gives up.

    Members
    -------
    tx : In(stream.Signature(framed_layout()))
        Bytes to send.
    rx : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    o_bytes : Out(stream.Signature(unsigned(8)))
        Bytes to the other end.
    i_bytes : In(stream.Signature(unsigned(8)))
        Bytes of the other end.
    lost : In(1)
        The carrier knows that the other end has left: the link gives up at once.
    """

    tx: stream.Interface
    rx: stream.Interface
    o_bytes: stream.Interface
    i_bytes: stream.Interface
    lost: Signal

    byte_cycles = 1 << 13
    retries = 16

    def __init__(self) -> None:
        super().__init__({
            "tx": In(stream.Signature(framed_layout())),
            "rx": Out(stream.Signature(decoded_layout())),
            "o_bytes": Out(stream.Signature(unsigned(8))),
            "i_bytes": In(stream.Signature(unsigned(8))),
            "lost": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both directions."""
        m = Module()
        m.submodules.encoder = encoder = Encoder()
        m.submodules.decoder = decoder = Decoder()
        connect(m, flipped(self.tx), encoder.i)
        connect(m, encoder.o, flipped(self.o_bytes))
        connect(m, flipped(self.i_bytes), decoder.i)
        connect(m, decoder.o, flipped(self.rx))
        return m
