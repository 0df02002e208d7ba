import gc
import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.bus import Arbiter, broadcast
from spikeloom_hw.event import Kind, event_layout
from spikeloom_hw.queue import Queue
from spikeloom_sim.bench import collect, drive, simulate


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("sources", [1, 0, -1])
def test_a_single_source_needs_no_arbiter(sources: int) -> None:
    message = f"^Arbiter needs at least 2 sources, not {sources}$"
    with pytest.raises(ValueError, match=message):
        Arbiter(sources)
    # Amaranth warns of a component that was never used when it is collected: here, not later.
    gc.collect()


def events_of(source: int, count: int) -> list[dict[str, Any]]:
    return [{"kind": Kind.SPIKE, "source": source, "index": k} for k in range(count)]


@pytest.mark.parametrize("sources", [2, 3, 5])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_event_passes_once_and_in_the_order_of_its_source(
    sources: int, seed: int | None
) -> None:
    dut, count = Arbiter(sources), 60
    seen: list[Any] = []
    senders = [
        drive(dut.i[k], events_of(k, count), seed=None if seed is None else 10 * seed + k)
        for k in range(sources)
    ]
    simulate(dut, *senders, collect(dut.o, seen, sources * count, seed=seed))
    for k in range(sources):
        assert [e.index for e in seen if e.source == k] == list(range(count))


@pytest.mark.parametrize("sources", [2, 3, 5])
def test_busy_sources_take_turns_and_an_event_leaves_every_cycle(sources: int) -> None:
    dut, count = Arbiter(sources), 20
    seen: list[Any] = []

    async def bus(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        await ctx.tick()
        for _ in range(sources * count):
            _, _, valid, event = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            assert valid
            seen.append(event)

    simulate(dut, *(drive(dut.i[k], events_of(k, count + 2)) for k in range(sources)), bus)
    turns = [int(event.source) for event in seen]
    assert all(len(set(turns[k : k + sources])) == sources for k in range(len(turns) - sources))


@pytest.mark.parametrize("seed", range(4))
def test_a_waiting_source_is_served_after_each_other_at_most_once(seed: int) -> None:
    sources, rng = 4, random.Random(seed)
    dut = Arbiter(sources)

    async def bench(ctx: Any) -> None:
        offered, passed = [False] * sources, [0] * sources
        for _ in range(600):
            for k in range(sources):
                offered[k] = offered[k] or rng.random() < 0.5
                ctx.set(dut.i[k].valid, offered[k])
            ctx.set(dut.o.ready, rng.random() < 0.7)
            _, _, *ready = await ctx.tick().sample(*(dut.i[k].ready for k in range(sources)))
            served = [k for k in range(sources) if offered[k] and ready[k]]
            assert len(served) <= 1
            for k in served:
                offered[k], passed[k] = False, 0
                for other in range(sources):
                    passed[other] += other != k and offered[other]
            assert max(passed) < sources

    simulate(dut, bench)


class Split(wiring.Component):
    """A bus with two sinks: one wants spikes, the other even indices."""

    i: stream.Interface
    spikes: stream.Interface
    even: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(event_layout())),
            "spikes": Out(stream.Signature(event_layout())),
            "even": Out(stream.Signature(event_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(event_layout(), 4)
        connect(m, flipped(self.i), queue.i)
        event: Any = queue.o.payload
        sinks = [(self.spikes, event.kind == Kind.SPIKE), (self.even, ~event.index[0])]
        broadcast(m, queue.o, sinks)
        return m


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_sink_gets_all_that_it_wants_whatever_stalls(seed: int | None) -> None:
    rng = random.Random(7)
    kinds = Kind.SPIKE, Kind.STEP, Kind.END
    events = [
        {"kind": rng.choice(kinds), "source": k, "index": rng.randrange(9)} for k in range(90)
    ]
    spikes = [e["source"] for e in events if e["kind"] is Kind.SPIKE]
    even = [e["source"] for e in events if e["index"] % 2 == 0]
    dut = Split()
    seen: tuple[list[Any], list[Any]] = [], []
    simulate(
        dut,
        drive(dut.i, events, seed=seed),
        collect(dut.spikes, seen[0], len(spikes), seed=seed),
        collect(dut.even, seen[1], len(even), seed=None if seed is None else seed + 9),
        deadline=5000,
    )
    assert [e.source for e in seen[0]] == spikes
    assert [e.source for e in seen[1]] == even
