"""The parallel form of the chip link: data lines and a strobe, a clock that both ends have."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..host.cobs import decoded_layout, framed_layout

__all__ = ["ParallelLine"]


class ParallelLine(wiring.Component):
    """A byte every 8 / ``lines`` cycles; the strobe is high during a frame, and low between two.

    All outputs come out of registers, and all inputs go into registers. Both ends have the same
    clock, and the delay from one to the other is less than a cycle, or whole cycles.

    Parameters
    ----------
    lines : int
        Data lines: 1, 2, 4 or 8.

    Members
    -------
    tx : In(stream.Signature(framed_layout()))
        Bytes to send; a pause inside a frame would end it.
    rx : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    strobe_out, data_out : Out(1), Out(lines)
        Pins to the other end.
    strobe_in, data_in : In(1), In(lines)
        Pins from the other end.
    """

    tx: stream.Interface
    rx: stream.Interface
    strobe_out: Signal
    data_out: Signal
    strobe_in: Signal
    data_in: Signal

    def __init__(self, lines: int = 8) -> None:
        if lines not in (1, 2, 4, 8):
            raise ValueError(f"Parallel line must have 1, 2, 4 or 8 data lines, not {lines!r}")
        self.lines = lines
        super().__init__({
            "tx": In(stream.Signature(framed_layout())),
            "rx": Out(stream.Signature(decoded_layout())),
            "strobe_out": Out(1),
            "data_out": Out(lines),
            "strobe_in": In(1),
            "data_in": In(lines),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both directions."""
        m = Module()
        beats = 8 // self.lines

        # Send a byte, the low bits first; after the last one of a frame the strobe is low.
        beat, pause, last = Signal(range(beats)), Signal(), Signal()
        m.d.comb += [last.eq(beat == beats - 1), self.tx.ready.eq(last & ~pause)]
        m.d.sync += [
            pause.eq(0),
            self.strobe_out.eq(self.tx.valid & ~pause),
            self.data_out.eq(self.tx.payload.byte.word_select(beat, self.lines)),
        ]
        with m.If(self.tx.valid & ~pause):
            m.d.sync += [
                beat.eq(Mux(last, 0, beat + 1)),
                pause.eq(last & self.tx.payload.last),
            ]

        # Receive beats until the strobe falls.
        strobe, lines, was = Signal(), Signal(self.lines), Signal()
        m.d.sync += [strobe.eq(self.strobe_in), lines.eq(self.data_in), was.eq(strobe)]
        shift = Signal(8)
        place = Signal(range(beats))
        whole = Cat(shift[self.lines :], lines)
        m.d.comb += [
            self.rx.payload.byte.eq(whole),
            self.rx.payload.end.eq(~strobe),
            self.rx.payload.bad.eq(place != 0),
            self.rx.valid.eq(Mux(strobe, place == beats - 1, was)),
        ]
        m.d.sync += [
            shift.eq(whole),
            place.eq(Mux(strobe & (place != beats - 1), place + 1, 0)),
        ]

        return m
