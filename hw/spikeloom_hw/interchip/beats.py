"""Frames as beats on parallel lines: a strobe is high during a frame, and low between two."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..host.cobs import decoded_layout, framed_layout

__all__ = ["BeatReceiver", "BeatSender", "check_lines"]


def check_lines(lines: int) -> None:
    """Raise ValueError unless a byte has a whole number of beats on ``lines`` lines."""
    if lines not in (1, 2, 4, 8):
        raise ValueError(f"Parallel line must have 1, 2, 4 or 8 data lines, not {lines!r}")


class BeatSender(wiring.Component):
    """Send a byte every 8 / ``lines`` cycles, the low bits first.

    Parameters
    ----------
    lines : int
        Data lines.
    pause : int
        Cycles, at least 1, that the strobe is low after a frame.

    Members
    -------
    i : In(stream.Signature(framed_layout()))
        Bytes to send; a pause inside a frame would end it.
    strobe, data : Out(1), Out(lines)
        The lines, out of registers.
    """

    i: stream.Interface
    strobe: Signal
    data: Signal

    def __init__(self, lines: int, pause: int = 1) -> None:
        self.lines = lines
        self.pause = pause
        super().__init__({
            "i": In(stream.Signature(framed_layout())),
            "strobe": Out(1),
            "data": Out(lines),
        })

    def elaborate(self, platform: Any) -> Module:
        """Count beats, and the cycles of the pause."""
        m = Module()
        beats = 8 // self.lines
        beat, left = Signal(range(beats)), Signal(range(self.pause + 1))
        last, sends = Signal(), Signal()
        m.d.comb += [
            last.eq(beat == beats - 1),
            sends.eq(self.i.valid & (left == 0)),
            self.i.ready.eq(last & (left == 0)),
        ]
        m.d.sync += [
            self.strobe.eq(sends),
            self.data.eq(self.i.payload.byte.word_select(beat, self.lines)),
        ]
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(sends):
            m.d.sync += beat.eq(Mux(last, 0, beat + 1))
            with m.If(last & self.i.payload.last):
                m.d.sync += left.eq(self.pause)

        return m


class BeatReceiver(wiring.Component):
    """Receive bytes while the strobe is high, and an end when it falls.

    Parameters
    ----------
    lines : int
        Data lines.

    Members
    -------
    strobe, data : In(1), In(lines)
        The lines, which go into registers.
    o : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    """

    strobe: Signal
    data: Signal
    o: stream.Interface

    def __init__(self, lines: int) -> None:
        self.lines = lines
        super().__init__({
            "strobe": In(1),
            "data": In(lines),
            "o": Out(stream.Signature(decoded_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Put beats together."""
        m = Module()
        beats = 8 // self.lines
        strobe, lines, was = Signal(), Signal(self.lines), Signal()
        m.d.sync += [strobe.eq(self.strobe), lines.eq(self.data), was.eq(strobe)]

        shift, place = Signal(8), Signal(range(beats))
        whole = Cat(shift[self.lines :], lines)
        m.d.comb += [
            self.o.payload.byte.eq(whole),
            self.o.payload.end.eq(~strobe),
            self.o.payload.bad.eq(place != 0),
            self.o.valid.eq(Mux(strobe, place == beats - 1, was)),
        ]
        m.d.sync += [
            shift.eq(whole),
            place.eq(Mux(strobe & (place != beats - 1), place + 1, 0)),
        ]

        return m
