"""A fabric whose bus serves in random order, with short queues, and links of random latency.

Each run after a reset goes on with other random numbers: the registers of the generators are not
reset.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Cat, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw import cluster, rise
from spikeloom_hw.bus import Arbiter
from spikeloom_hw.distribution import UNDER_WAY, Distribution
from spikeloom_hw.queue import Queue

__all__ = ["Lag", "RandomArbiter", "jittered"]

_WIDTH = 32
_SEEDS = iter(range(1, 1 << 20))


def _random(m: Module, name: str) -> Signal:
    """Build a generator of random words, each with a beginning of its own: xorshift."""
    start = next(_SEEDS) * 2654435761 % (1 << _WIDTH) | 1
    word = Signal(_WIDTH, init=start, reset_less=True, name=name)
    first, second = Signal(_WIDTH, name=f"{name}_first"), Signal(_WIDTH, name=f"{name}_second")
    m.d.comb += [first.eq(word ^ (word << 13)), second.eq(first ^ (first >> 17))]
    m.d.sync += word.eq(second ^ (second << 5))
    return word


class RandomArbiter(Arbiter):
    """Serve sources in random order."""

    def served_last(self, m: Module) -> Value:
        """Source behind which the search starts: any."""
        word = _random(m, "order")
        last = Signal(range(self.sources))
        m.d.comb += last.eq(word[8:24] % self.sources)
        return last


class Lag(wiring.Component):
    """Carry payloads in order, each after a random time; now and then the way is slow for long.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.
    depth : int
        Payloads that may be under way.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads in.
    o : Out(stream.Signature(shape))
        The same, in the same order.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int = 4) -> None:
        self.shape, self.depth = shape, depth
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the queue, and let it offer what it has at random."""
        m = Module()
        m.submodules.queue = queue = Queue(self.shape, self.depth)
        connect(m, flipped(self.i), queue.i)
        word, mood = _random(m, "word"), Signal(2, reset_less=True)
        with m.If(word[20:27] == 0):
            m.d.sync += mood.eq(word[27:29])
        goes, offered = Signal(), Signal()
        m.d.comb += [
            goes.eq(Mux(mood == 0, 1, Mux(mood == 1, word[8], word[8:13] == 0))),
            self.o.payload.eq(queue.o.payload),
            self.o.valid.eq(queue.o.valid & (offered | goes)),
            queue.o.ready.eq(self.o.ready & (offered | goes)),
        ]
        m.d.sync += offered.eq(Cat(self.o.valid, ~self.o.ready).all())
        return m


@contextmanager
def jittered(depth: int) -> Iterator[None]:
    """Let what is elaborated meanwhile serve at random, with queues of so many events.

    Parameters
    ----------
    depth : int
        Events in the queue of a sink, besides those that may be under way to it; and in the queue
        before a link.
    """
    with (
        patch.object(cluster, "Arbiter", RandomArbiter),
        patch.object(rise, "Arbiter", RandomArbiter),
        patch.object(rise, "_QUEUE", depth),
        patch.object(cluster, "Distribution", partial(Distribution, depth=UNDER_WAY + depth)),
    ):
        yield
