"""The chip link: words in order and exactly once, over a line that loses and changes bytes."""

from dataclasses import dataclass, replace
from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..host.cobs import decoded_layout, framed_layout
from ..skid import Skid
from .frame import (
    CHECK_BYTES,
    HEADER_BYTES,
    LONGEST_FRAME,
    data_header,
    hello_header,
    word_bytes,
)
from .patience import Patience
from .receiver import Receiver
from .report import Report
from .sender import Sender
from .session import Session
from .window import ReceiveWindow, SendWindow

__all__ = ["ChipLink", "LinkParameters"]


@dataclass(frozen=True)
class LinkParameters:
    """Sizes of a chip link; both ends have the same ``width``.

    Parameters
    ----------
    width : int
        Bits of a word.
    window : int
        Words under way and words received, each: 2, 4, 8, 16, 32 or 64.
    batch : int
        Most words in a frame, up to ``window``; the frame has up to 253 bytes.
    timeout : int
        Cycles without progress after which words are sent again: more than the longest frame takes
        there, and the one with its acknowledgement back.
    retries : int
        Times without progress after which the link gives up.
    """

    width: int
    window: int = 64
    batch: int = 16
    timeout: int = 512
    retries: int = 16

    def __post_init__(self) -> None:
        for name in ("width", "window", "batch", "timeout", "retries"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"Link {name} must be an integer, not {value!r}")
            if value < 1:
                raise ValueError(f"Link {name} must be at least 1, not {value}")
        if self.window not in (2, 4, 8, 16, 32, 64):
            raise ValueError(f"Link window must be a power of two from 2 to 64, not {self.window}")
        if self.batch > self.window:
            raise ValueError(
                f"Link batch must be at most the window of {self.window} words, not {self.batch}"
            )
        if self.frame_bytes > LONGEST_FRAME:
            raise ValueError(
                f"A frame of {self.batch} words of {self.width} bits has {self.frame_bytes} bytes, "
                f"but {LONGEST_FRAME} are the most: choose a smaller batch"
            )

    @classmethod
    def fit(cls, width: int, byte_cycles: int, retries: int = 16) -> "LinkParameters":
        """Sizes for words of ``width`` bits on a line that takes ``byte_cycles`` for a byte.

        Frames are of up to 16 words, or fewer where words are long. The window is four frames.
        """
        room = (LONGEST_FRAME - HEADER_BYTES - CHECK_BYTES) // word_bytes(width)
        batch = 1 << min(16, max(room, 1)).bit_length() - 1
        sizes = cls(width, window=max(2, 4 * batch), batch=batch, retries=retries)
        # Two frames, and what registers and wires take.
        return replace(sizes, timeout=(2 * sizes.frame_bytes + 64) * byte_cycles * 3 // 2)

    @property
    def frame_bytes(self) -> int:
        """Bytes of the longest frame."""
        return HEADER_BYTES + self.batch * word_bytes(self.width) + CHECK_BYTES

    @property
    def patience(self) -> int:
        """Most cycles without progress, or without any sign of the other end, before an error."""
        return (self.retries + 1) * self.timeout

    @property
    def efficiency(self) -> float:
        """Bits of words in the longest frames, as a share of what a parallel line could carry."""
        return self.batch * self.width / (8 * (self.frame_bytes + 1))


class ChipLink(wiring.Component):
    """One end of a reliable link: words in both directions, in order, each exactly once.

    Words go in frames with a checksum and the number of the first word; the frames of the other
    direction acknowledge them and tell for how many more there is room. What was lost or changed
    is sent again (go-back-N). When ``retries`` timeouts passed without progress, when the other end
    has been silent for as long, when it has begun anew, or when the line is ``lost``, ``error`` is
    set, and nothing is sent or delivered until ``reset``. Both ends may come out of reset at any
    time.

    A changed frame is taken for a good one with a probability of 2**-32.

    Parameters
    ----------
    parameters : LinkParameters
        Sizes.

    Members
    -------
    i : In(stream.Signature(width))
        Words to send; none is taken before the link is ``up``.
    o : Out(stream.Signature(width))
        Words received.
    tx : Out(stream.Signature(framed_layout()))
        Bytes of frames to the line, without a pause inside a frame.
    rx : In(stream.Signature(decoded_layout()))
        Bytes and ends of frames from the line; always ready.
    lost : In(1)
        The line knows that nothing comes any more.
    up : Out(1)
        The other end is there.
    error : Out(1)
        The link has given up.
    spoiled : Out(1)
        High for a cycle when a frame was not readable.
    resent : Out(1)
        High for a cycle when words are to be sent again.
    reset : In(1)
        Begin a new session.
    """

    i: stream.Interface
    o: stream.Interface
    tx: stream.Interface
    rx: stream.Interface
    lost: Signal
    up: Signal
    error: Signal
    spoiled: Signal
    resent: Signal
    reset: Signal

    def __init__(self, parameters: LinkParameters) -> None:
        self.parameters = parameters
        super().__init__({
            "i": In(stream.Signature(unsigned(parameters.width))),
            "o": Out(stream.Signature(unsigned(parameters.width))),
            "tx": Out(stream.Signature(framed_layout())),
            "rx": In(stream.Signature(decoded_layout())),
            "lost": In(1),
            "up": Out(1),
            "error": Out(1),
            "spoiled": Out(1),
            "resent": Out(1),
            "reset": In(1),
        })

    def elaborate(self, platform: Any) -> Any:
        """Connect both directions, the session and the timer."""
        m = Module()
        p = self.parameters
        m.submodules.session = session = Session(word_bytes(p.width))
        m.submodules.sender = sender = Sender(p.width, p.batch)
        m.submodules.receiver = receiver = Receiver(p.width)
        m.submodules.sending = sending = SendWindow(p.width, p.window)
        m.submodules.receiving = receiving = ReceiveWindow(p.width, p.window)
        m.submodules.patience = patience = Patience(p.timeout, p.retries)
        m.submodules.skid = skid = Skid(unsigned(p.width))
        connect(m, sender.o, flipped(self.tx))
        connect(m, flipped(self.rx), receiver.i)

        # Words pass while the link is up and has not failed.
        runs = Signal()
        m.d.comb += [
            runs.eq(session.up & ~self.error),
            self.up.eq(session.up),
            sending.i.payload.eq(self.i.payload),
            sending.i.valid.eq(self.i.valid & runs),
            self.i.ready.eq(sending.i.ready & runs),
            self.o.payload.eq(skid.o.payload),
            self.o.valid.eq(skid.o.valid & runs),
            skid.o.ready.eq(self.o.ready & runs),
        ]
        connect(m, receiving.o, skid.i)

        # A good frame is heard; words of data frames count only in a session.
        header: Any = data.View(data_header(), receiver.header)
        good, heard = Signal(), Signal()
        m.d.comb += [
            good.eq(receiver.close & receiver.good),
            self.spoiled.eq(receiver.close & ~receiver.good),
            heard.eq(good & ~header.hello & runs),
            session.heard.eq(good & header.hello),
            session.header.eq(data.View(hello_header(), receiver.header)),
        ]
        self._hear(m, (receiver, receiving, sending, patience), header, heard)

        # The timer starts anew whenever something got through.
        m.d.comb += [
            patience.clear.eq(sending.progress | (heard & ~sending.waiting)),
            patience.restart.eq(sending.take & ~sending.waiting),
            patience.counts.eq(session.up),
            session.tick.eq(patience.tick),
            self.resent.eq(sending.back & sending.waiting),
        ]
        with m.If(patience.over | session.restarted | self.lost):
            m.d.sync += self.error.eq(1)

        told: Any = Signal(data_header())
        owed = self._tell(m, (receiver, receiving, sending, patience), told, heard)
        wanted = runs & (sending.some | sending.pending | owed | told.poll)
        self._compose(m, (session, sender, sending), told, wanted)
        return ResetInserter(self.reset)(m)

    def _hear(self, m: Module, parts: tuple[Any, ...], header: Any, heard: Signal) -> None:
        """Give what comes to the windows."""
        receiver, receiving, sending, patience = parts
        m.d.comb += [
            receiving.open.eq(receiver.open),
            receiving.sequence.eq(header.sequence),
            receiving.write.eq(receiver.write),
            receiving.word.eq(receiver.word),
            receiving.close.eq(heard),
            sending.heard.eq(heard),
            sending.ack.eq(header.ack),
            sending.limit.eq(header.limit),
            sending.back.eq((heard & header.again) | (patience.tick & sending.waiting)),
        ]

    def _compose(self, m: Module, parts: tuple[Any, ...], header: Any, wanted: Value) -> None:
        """Send HELLO frames, and data frames if they are wanted."""
        session, sender, sending = parts

        # HELLO goes before data.
        said = Signal()
        m.d.comb += [
            said.eq(session.due & ~self.error),
            sender.wanted.eq(said | wanted),
            sender.header.eq(Mux(said, session.hello.as_value(), header.as_value())),
            session.sent.eq(sender.begin & said),
            sending.begin.eq(sender.begin & ~said),
            sender.word.eq(sending.word),
            sending.take.eq(sender.take),
        ]

        # No words are behind a HELLO; and one in a frame after a fault, until it got through.
        greeting, careful = Signal(), Signal()
        with m.If(sender.begin):
            m.d.sync += greeting.eq(said)
        m.d.comb += [sender.some.eq(sending.some & ~greeting), sender.single.eq(careful)]
        with m.If(sending.progress):
            m.d.sync += careful.eq(0)
        with m.If(sending.back & sending.waiting):
            m.d.sync += careful.eq(1)

    def _tell(self, m: Module, parts: tuple[Any, ...], told: Any, heard: Signal) -> Signal:
        """Fill the header with what the other end must know; tell whether it must know it now."""
        receiver, receiving, sending, patience = parts
        m.submodules.report = report = Report(self.parameters.window)
        header: Any = data.View(data_header(), receiver.header)
        m.d.comb += [
            report.asks.eq(heard & (receiver.worded | header.poll)),
            report.worded.eq(heard & receiver.worded & ~receiving.gap),
            report.fault.eq(self.spoiled | (heard & receiving.gap)),
            report.limit.eq(receiving.limit),
            report.begin.eq(sending.begin),
        ]
        poll = Signal()
        m.d.comb += [
            told.again.eq(report.again),
            told.poll.eq(poll),
            told.sequence.eq(sending.sequence),
            told.ack.eq(receiving.ack),
            told.limit.eq(receiving.limit),
        ]

        # A tick asks for an answer.
        with m.If(sending.begin):
            m.d.sync += poll.eq(0)
        with m.If(patience.tick):
            m.d.sync += poll.eq(1)
        return report.owed
