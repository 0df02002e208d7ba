"""A chip link with its line: from a stream of payloads to pins."""

from typing import Any

from amaranth.hdl import Module, Shape, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from .byte_line import ByteLine
from .link import ChipLink, LinkParameters
from .parallel import ClockedLine, ParallelLine
from .pins import hand_on
from .serial import SerialLine

__all__ = ["LinkPort"]


class LinkPort(wiring.Component):
    """One end of a link: payloads of any shape, in order and exactly once, and the pins of a line.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.
    line : ParallelLine, ClockedLine, SerialLine or ByteLine
        The physical form.
    parameters : LinkParameters or None
        Sizes; by default those that suit the line.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads to send.
    o : Out(stream.Signature(shape))
        Payloads received.
    up, error, resent, reset
        As those of :class:`ChipLink`.
    ... : In, Out
        The pins of the line, or its streams, by their names.
    """

    i: stream.Interface
    o: stream.Interface
    up: Signal
    error: Signal
    resent: Signal
    reset: Signal

    def __init__(
        self,
        shape: ShapeLike,
        line: ParallelLine | ClockedLine | SerialLine | ByteLine,
        parameters: LinkParameters | None = None,
    ) -> None:
        width = Shape.cast(shape).width
        if parameters is None:
            parameters = LinkParameters.fit(width, line.byte_cycles, line.retries)
        if parameters.width != width:
            raise ValueError(
                f"The link has words of {parameters.width} bits, but a payload has {width}"
            )
        self.line = line
        self.link = ChipLink(parameters)
        members: Any = line.signature.members
        self.pins = {name: members[name] for name in members if name not in ("tx", "rx")}
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "up": Out(1),
            "error": Out(1),
            "resent": Out(1),
            "reset": In(1),
            **self.pins,
        })

    def elaborate(self, platform: Any) -> Module:
        """Connect link and line."""
        m = Module()
        m.submodules.link, m.submodules.line = link, line = self.link, self.line
        connect(m, link.tx, line.tx)
        connect(m, line.rx, link.rx)
        m.d.comb += [
            link.i.payload.eq(Value.cast(self.i.payload)),
            link.i.valid.eq(self.i.valid),
            self.i.ready.eq(link.i.ready),
            Value.cast(self.o.payload).eq(link.o.payload),
            self.o.valid.eq(link.o.valid),
            link.o.ready.eq(self.o.ready),
            self.up.eq(link.up),
            self.error.eq(link.error),
            self.resent.eq(link.resent),
            link.reset.eq(self.reset),
        ]
        hand_on(m, self, line, self.pins)
        if isinstance(line, ByteLine):
            m.d.comb += link.lost.eq(line.lost)
        return m
