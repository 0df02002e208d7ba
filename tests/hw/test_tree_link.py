import random
from typing import Any

import pytest
from amaranth.hdl import Module, ResetInserter, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, event_layout
from spikeloom_hw.link import request_layout
from spikeloom_hw.queue import Queue
from spikeloom_hw.tree.downlink import Downlink
from spikeloom_hw.tree.uplink import Uplink
from spikeloom_sim.bench import collect, drive, simulate
from spikeloom_sim.jitter import Lag

CONFIG = ChipConfig(CoreConfig(lanes=8, update_lanes=8, weight_rows=16, sources=4), parents=(0,))


class Link(wiring.Component):
    """Both ends of a link of random latency; events of the child wait in a queue that resets."""

    def __init__(self) -> None:
        event = stream.Signature(event_layout())
        request, word = stream.Signature(request_layout()), stream.Signature(unsigned(32))
        super().__init__({
            "fall": In(event),
            "fallen": Out(event),
            "rise": In(event),
            "risen": Out(event),
            "asks": In(request),
            "asked": Out(request),
            "tells": In(word),
            "told": Out(word),
            "reset": In(1),
            "resets": Out(1),
            "idle": Out(1),
        })

    fall: Any
    fallen: Any
    rise: Any
    risen: Any
    asks: Any
    asked: Any
    tells: Any
    told: Any
    reset: Signal
    resets: Signal
    idle: Signal

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.parent = parent = Downlink(CONFIG)
        m.submodules.child = child = Uplink(CONFIG)
        m.submodules.down = down = Lag(parent.word)
        m.submodules.up = up = Lag(parent.word)
        queue = Queue(event_layout(), 4)
        m.submodules.queue = ResetInserter(child.reset)(queue)
        ways = [
            (flipped(self.fall), parent.i),
            (flipped(self.asks), parent.requests),
            (parent.down, down.i),
            (down.o, child.down),
            (child.o, flipped(self.fallen)),
            (child.requests, flipped(self.asked)),
            (flipped(self.rise), queue.i),
            (queue.o, child.i),
            (flipped(self.tells), child.answers),
            (child.up, up.i),
            (up.o, parent.up),
            (parent.o, flipped(self.risen)),
            (parent.answers, flipped(self.told)),
        ]
        for source, sink in ways:
            connect(m, source, sink)
        m.d.comb += [
            parent.reset.eq(self.reset),
            self.resets.eq(child.reset),
            self.idle.eq(child.idle),
        ]
        return m


def event(index: int, kind: Kind = Kind.SPIKE, source: int = 3) -> dict[str, Any]:
    return {"kind": kind, "source": source, "index": index}


@pytest.mark.parametrize("seed", range(2))
def test_events_and_accesses_cross_a_link_in_order(seed: int) -> None:
    rng, dut, count = random.Random(seed), Link(), 60
    down, up, told = [], [], []
    asked: list[tuple[int, int, int]] = []
    accesses = [
        {"write": rng.randrange(2), "address": rng.getrandbits(32), "data": rng.getrandbits(32)}
        for _ in range(count)
    ]
    reads = [a for a in accesses if not a["write"]]

    async def serve(ctx: Any) -> None:
        # The child answers each read with its address and one more.
        for _ in accesses:
            while rng.random() < 0.4:
                await ctx.tick()
            while not ctx.get(dut.asked.valid):
                await ctx.tick()
            request = ctx.get(dut.asked.payload)
            asked.append((int(request.write), int(request.address), int(request.data)))
            if not request.write:
                ctx.set(dut.tells.payload, (int(request.address) + 1) % (1 << 32))
                ctx.set(dut.tells.valid, 1)
                await ctx.tick().until(dut.tells.ready)
                ctx.set(dut.tells.valid, 0)
            ctx.set(dut.asked.ready, 1)
            await ctx.tick()
            ctx.set(dut.asked.ready, 0)

    simulate(
        dut,
        drive(dut.fall, [event(k) for k in range(count)], seed=seed),
        drive(dut.rise, [event(k, Kind.GRADED) for k in range(count)], seed=seed + 1),
        drive(dut.asks, accesses, seed=seed + 2),
        serve,
        collect(dut.fallen, down, count, seed=seed + 3),
        collect(dut.risen, up, count, seed=seed + 4),
        collect(dut.told, told, len(reads), seed=seed + 5),
    )
    assert [(e.kind, e.source, e.index) for e in down] == [(Kind.SPIKE, 3, k) for k in range(count)]
    assert [(e.kind, e.source, e.index) for e in up] == [(Kind.GRADED, 3, k) for k in range(count)]
    expected = [(a["write"], a["address"], a["data"]) for a in accesses]
    assert [(w, a) for w, a, _ in asked] == [(w, a) for w, a, _ in expected]
    assert [d for w, _, d in asked if w] == [d for w, _, d in expected if w]
    assert told == [(a["address"] + 1) % (1 << 32) for a in reads]


class Runs:
    """A parent that gives a number, is reset, gives the next; a child that says what it was told.

    Parameters
    ----------
    dut : Link
        The link.
    seed : int
        Seed of all gaps.
    count : int
        Numbers to give.
    """

    def __init__(self, dut: Link, seed: int, count: int) -> None:
        self.dut, self.rng, self.count = dut, random.Random(seed), count
        self.risen: list[list[int]] = [[] for _ in range(count)]
        self.now, self.told, self.over = -1, -1, False

    async def parent(self, ctx: Any) -> None:
        dut, rng = self.dut, self.rng
        for run in range(self.count):
            self.now = run
            ctx.set(dut.fall.payload, event(self.now))
            ctx.set(dut.fall.valid, 1)
            await ctx.tick().until(dut.fall.ready)
            ctx.set(dut.fall.valid, 0)
            for _ in range(rng.choice((0, 10, 100))):
                await ctx.tick()
            while self.now == self.count - 1 and not self.risen[self.now]:
                await ctx.tick()
            self.now = -1
            for _ in range(rng.choice((1, 1, 2, 3))):
                ctx.set(dut.reset, 1)
                await ctx.tick()
                ctx.set(dut.reset, 0)
                for _ in range(rng.choice((0, 1, 30))):
                    await ctx.tick()
        self.over = True

    async def child(self, ctx: Any) -> None:
        dut = self.dut
        ctx.set(dut.fallen.ready, 1)
        while not self.over:
            ctx.set(dut.rise.valid, self.told >= 0 and self.rng.random() < 0.6)
            ctx.set(dut.rise.payload, event(max(0, self.told)))
            fallen = dut.fallen.valid, dut.fallen.payload, dut.resets
            _, _, valid, payload, resets = await ctx.tick().sample(*fallen)
            if resets or valid:
                self.told = -1 if resets else int(payload.index)

    async def listen(self, ctx: Any) -> None:
        dut = self.dut
        while not self.over:
            ready = self.rng.random() < 0.5
            ctx.set(dut.risen.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(dut.risen.valid, dut.risen.payload)
            if valid and ready:
                assert payload.index == self.now
                self.risen[self.now].append(int(payload.index))


@pytest.mark.parametrize("seed", range(2))
def test_resets_in_the_middle_of_traffic_leave_nothing_old(seed: int) -> None:
    runs = Runs(dut := Link(), seed, 25)
    simulate(dut, runs.listen, runs.child, runs.parent)
    assert sum(map(len, runs.risen)) > runs.count // 4
    assert [] in runs.risen
