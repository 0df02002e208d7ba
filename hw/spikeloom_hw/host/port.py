"""The host port: a byte stream outside; accesses and event words inside."""

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..link import request_layout, word_layout
from .acceptor import Acceptor
from .cobs import Encoder
from .executor import Executor
from .frame import WINDOW, check_window
from .framer import Framer
from .receiver import Receiver
from .replier import Replier
from .unpacker import Unpacker

__all__ = ["HostPort"]


class HostPort(wiring.Component):
    """The device end of the host link: carries out every frame of a session once, and in order.

    Takes and gives a byte a cycle, and an event word every four cycles. A frame that is cut,
    damaged, repeated or out of order has no effect but an answer. Nothing is lost or done twice
    while the byte streams may be.

    Parameters
    ----------
    config_hash : int
        64-bit hash of the configuration, which the host compares with that of its program.
    window : int
        Bytes that the host may send ahead, a power of two from 512 to 8192.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes from the host.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes to the host.
    requests : Out(stream.Signature(request_layout()))
        Accesses, in order with the event words.
    responses : In(stream.Signature(unsigned(32)))
        What was read, one for each read, in order.
    o_words : Out(stream.Signature(unsigned(32)))
        Event words from the host.
    i_words : In(stream.Signature(word_layout()))
        Event words to the host; ``last`` means that the host waits for what was sent so far.
    """

    rx: stream.Interface
    tx: stream.Interface
    requests: stream.Interface
    responses: stream.Interface
    o_words: stream.Interface
    i_words: stream.Interface

    def __init__(self, config_hash: int, window: int = WINDOW) -> None:
        if not isinstance(config_hash, int):
            raise TypeError(f"Configuration hash must be an integer, not {config_hash!r}")
        if not 0 <= config_hash < 1 << 64:
            raise ValueError(
                f"Configuration hash must be unsigned and have 64 bits at most, not {config_hash}"
            )
        check_window(window)
        self.config_hash = config_hash
        self.window = window
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
            "requests": Out(stream.Signature(request_layout())),
            "responses": In(stream.Signature(unsigned(32))),
            "o_words": Out(stream.Signature(unsigned(32))),
            "i_words": In(stream.Signature(word_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Connect the blocks of the host port."""
        m = Module()
        m.submodules.receiver = receiver = Receiver(self.window)
        m.submodules.unpacker = unpacker = Unpacker()
        m.submodules.acceptor = acceptor = Acceptor()
        m.submodules.executor = executor = Executor()
        m.submodules.replier = replier = Replier(self.config_hash, self.window)
        m.submodules.framer = framer = Framer()
        m.submodules.encoder = encoder = Encoder()

        # From the host: bytes, records, words of frames, accesses and events.
        connect(m, flipped(self.rx), receiver.rx)
        connect(m, receiver.o, unpacker.i)
        connect(m, unpacker.headers, acceptor.headers)
        connect(m, unpacker.words, acceptor.words)
        connect(m, acceptor.o, executor.i)
        connect(m, executor.requests, flipped(self.requests))
        connect(m, executor.o_words, flipped(self.o_words))

        # To the host: what was read, what is told of frames, events; frames and bytes.
        connect(m, flipped(self.responses), executor.responses)
        connect(m, executor.data, framer.data)
        connect(m, acceptor.notices, replier.notices)
        connect(m, replier.o, framer.replies)
        connect(m, flipped(self.i_words), framer.events)
        connect(m, framer.o, encoder.i)
        connect(m, encoder.o, flipped(self.tx))

        # All frames tell what was executed; the PONG also tells the number of the next events.
        m.d.comb += [
            framer.expected.eq(acceptor.expected),
            framer.idle.eq(encoder.idle),
            replier.nonce.eq(acceptor.nonce),
            replier.events.eq(framer.events_sent),
        ]

        return m
