"""Go-back-N: the words that may have to be sent again, and those that were received in order."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .frame import COUNT_WIDTH

__all__ = ["ReceiveWindow", "SendWindow"]


class SendWindow(wiring.Component):
    """Keep words until the other end has acknowledged them.

    Words are numbered; all numbers count on modulo two to the power of ``count_width``.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words kept, a power of two below a half of the numbers.
    count_width : int
        Bits of a number.

    Members
    -------
    i : In(stream.Signature(width))
        Words to send.
    begin : In(1)
        A frame begins in this cycle, with the word ``sequence``.
    take : In(1)
        ``word`` goes into the frame; not in the cycle of ``begin`` or the one after it.
    sequence : Out(count_width)
        Number of the first word of a frame that begins now.
    some : Out(1)
        ``word`` is there, and the other end has room for it.
    word : Out(width)
        Next word of the frame.
    heard : In(1)
        The other end has told ``ack`` and ``limit``.
    ack : In(count_width)
        Number of the word that it expects.
    limit : In(count_width)
        Number of the first word for which it has no room.
    back : In(1)
        Send all words again that were not acknowledged, from the next frame on.
    pending : Out(1)
        The next frame goes back.
    waiting : Out(1)
        Some word was sent and not acknowledged.
    progress : Out(1)
        In this cycle words are acknowledged.
    """

    i: stream.Interface
    begin: Signal
    take: Signal
    sequence: Signal
    some: Signal
    word: Signal
    heard: Signal
    ack: Signal
    limit: Signal
    back: Signal
    pending: Signal
    waiting: Signal
    progress: Signal

    def __init__(self, width: int, depth: int, count_width: int = COUNT_WIDTH) -> None:
        self.width = width
        self.depth = depth
        self.count_width = count_width
        super().__init__({
            "i": In(stream.Signature(unsigned(width))),
            "begin": In(1),
            "take": In(1),
            "sequence": Out(count_width),
            "some": Out(1),
            "word": Out(width),
            "heard": In(1),
            "ack": In(count_width),
            "limit": In(count_width),
            "back": In(1),
            "pending": Out(1),
            "waiting": Out(1),
            "progress": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the window."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=self.depth, init=[])
        writing, reading = memory.write_port(), memory.read_port()

        # Numbers of: the word that comes next, and the same a cycle ago, as memory is slow; the
        # next one to send; the first that was never sent; the first that is not acknowledged.
        head, visible = Signal(self.count_width), Signal(self.count_width)
        sent, furthest = Signal(self.count_width), Signal(self.count_width)
        acked, limit = Signal(self.count_width), Signal(self.count_width)
        held = Signal(self.count_width)
        m.d.comb += held.eq(head - acked)

        # A word takes the place of one that was acknowledged.
        m.d.comb += [
            self.i.ready.eq(held < self.depth),
            writing.en.eq(self.i.valid & self.i.ready),
            writing.addr.eq(head),
            writing.data.eq(self.i.payload),
        ]
        m.d.sync += [head.eq(head + writing.en), visible.eq(head)]

        # A frame begins where the last one ended, unless what follows must be sent again, or need
        # not be sent any more.
        ahead, following = Signal(self.count_width), Signal(self.count_width)
        m.d.comb += [
            ahead.eq(sent - acked),
            self.sequence.eq(Mux(self.pending | ahead[-1], acked, sent)),
            following.eq(Mux(self.begin, self.sequence, sent + self.take)),
            reading.addr.eq(following),
            self.word.eq(reading.data),
            self.some.eq((sent != visible) & (sent != limit)),
        ]
        m.d.sync += [sent.eq(following), self.pending.eq(self.back | (self.pending & ~self.begin))]
        with m.If(self.take & (sent == furthest)):
            m.d.sync += furthest.eq(furthest + 1)

        # What the other end has said.
        m.d.comb += [
            self.waiting.eq(acked != furthest),
            self.progress.eq(self.heard & (self.ack != acked)),
        ]
        with m.If(self.heard):
            m.d.sync += [acked.eq(self.ack), limit.eq(self.limit)]

        return m


class ReceiveWindow(wiring.Component):
    """Put words in order, keep those of whole frames, and drop what was there before.

    A word is out a cycle after the end of its frame. No word is stored where there is no room.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words kept, a power of two below a half of the numbers.
    count_width : int
        Bits of a number.

    Members
    -------
    open : In(1)
        A frame begins.
    sequence : In(count_width)
        Number of its first word.
    write : In(1)
        The next word of the frame is ``word``.
    word : In(width)
        The word.
    close : In(1)
        The frame was good: its words count. Not in a cycle of ``write``.
    gap : Out(1)
        The frame begins behind the word that is expected.
    ack : Out(count_width)
        Number of the word that is expected.
    limit : Out(count_width)
        Number of the first word for which there is no room.
    o : Out(stream.Signature(width))
        Words received.
    """

    open: Signal
    sequence: Signal
    write: Signal
    word: Signal
    close: Signal
    gap: Signal
    ack: Signal
    limit: Signal
    o: stream.Interface

    def __init__(self, width: int, depth: int, count_width: int = COUNT_WIDTH) -> None:
        self.width = width
        self.depth = depth
        self.count_width = count_width
        super().__init__({
            "open": In(1),
            "sequence": In(count_width),
            "write": In(1),
            "word": In(width),
            "close": In(1),
            "gap": Out(1),
            "ack": Out(count_width),
            "limit": Out(count_width),
            "o": Out(stream.Signature(unsigned(width))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the window."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=self.depth, init=[])
        writing, reading = memory.write_port(), memory.read_port()

        # Numbers of: the word at hand, the next to store, and the next that the reader takes.
        number, place, taken = (Signal(self.count_width) for _ in range(3))
        fits, distance = Signal(), Signal(self.count_width)
        m.d.comb += [
            self.limit.eq(taken + self.depth),
            fits.eq((number == place) & (place != self.limit)),
            writing.en.eq(self.write & fits),
            writing.addr.eq(place),
            writing.data.eq(self.word),
            distance.eq(self.ack - self.sequence),
            self.gap.eq(distance[-1]),
        ]
        with m.If(self.write):
            m.d.sync += [number.eq(number + 1), place.eq(place + fits)]
        with m.If(self.open):
            m.d.sync += [number.eq(self.sequence), place.eq(self.ack)]
        with m.If(self.close):
            m.d.sync += self.ack.eq(place)

        # A word was stored at least two cycles before it counts, so it can be read at once.
        pop = Signal()
        m.d.comb += [
            self.o.valid.eq(taken != self.ack),
            self.o.payload.eq(reading.data),
            pop.eq(self.o.valid & self.o.ready),
            reading.addr.eq(taken + pop),
        ]
        m.d.sync += taken.eq(taken + pop)

        return m
