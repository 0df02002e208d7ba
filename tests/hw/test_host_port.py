# amaranth: UnusedElaboratable=no
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from spikeloom_hw.host import HostPort
from spikeloom_hw.host.frame import Frame, FrameReader, FrameType, Status
from spikeloom_sim.device_model import COUNTER, STEP, DeviceModel
from spikeloom_sim.host_bench import PortTransport

HASH = 0x0123456789ABCDEF


def script(seed: int, length: int) -> list[bytes]:
    """Make what a host might send, good and bad: each entry is answered before the next."""
    random = np.random.default_rng(seed)
    chunks = [Frame.of_words(FrameType.PING, 0, 1).encode()]
    sequence, nonce = 1, 1
    for _ in range(length):
        words = random.integers(0, STEP, int(random.integers(1, 60)), dtype=np.uint32)
        words[random.random(words.size) < 0.3] = 0
        address = int(random.integers(0, 190))
        frames = [
            Frame.of_words(FrameType.WRITE, sequence, address, words),
            Frame.of_words(FrameType.WRITE, sequence, COUNTER, 1),
            Frame.of_words(FrameType.READ, sequence, 0, int(random.integers(0, 63))),
            Frame.of_words(FrameType.READ, sequence, COUNTER, 1),
            Frame.of_words(FrameType.EVENTS, sequence, words),
            Frame.of_words(FrameType.EVENTS, sequence, words[:59], STEP),
        ]
        frame = frames[int(random.integers(len(frames)))]
        fault = int(random.integers(12))
        if fault == 0:
            chunks.append(frame._replace(sequence=(sequence + 1) & 0xFF).encode())
        elif fault == 1:
            chunks.append(frame._replace(sequence=(sequence - 1) & 0xFF).encode())
        elif fault == 2:
            chunks.append(frame._replace(payload=frame.payload[:-1]).encode())
        elif fault == 3:
            chunks.append(frame._replace(type=0x7F).encode())
        elif fault == 4:
            chunks.append(random.bytes(int(random.integers(1, 400))) + b"\0")
        elif fault == 5:
            nonce += int(random.integers(2))
            chunks.append(Frame.of_words(FrameType.PING, sequence - 1, nonce).encode())
        elif fault == 6:
            chunks.append(frame._replace(payload=b"").encode())
        chunks.append(frame.encode())
        sequence = (sequence + 1) & 0xFF
    return chunks


@pytest.mark.parametrize("seed", range(3))
def test_gateware_gives_the_bytes_of_the_model(seed: int) -> None:
    device = DeviceModel(HASH)
    port = PortTransport(HASH, pace=0.9, seed=seed)
    fill = Frame.of_words(FrameType.PING, 255, 99).encode()
    for k in range(0, 256, 32):
        fill += Frame.of_words(FrameType.WRITE, k // 32, k, np.arange(32)).encode()
    device.feed(fill)
    port.write(fill)
    port.run(1500)
    port.read(1e-6)
    for chunk in script(seed, 25):
        expected = device.feed(chunk)
        port.write(chunk)
        received = b""
        while len(received) < len(expected):
            more = port.read(2e-3)
            assert more, f"{expected.hex()} was expected, {received.hex()} came"
            received += more
        received += port.read(60e-6)
        assert received == expected
    assert device.executed > 8


def test_no_session_no_effect() -> None:
    port = PortTransport()
    write = Frame.of_words(FrameType.WRITE, 0, COUNTER, 1)
    port.write(write.encode())
    refused = Frame.of_words(FrameType.ERROR, 0, Status.NO_SESSION)
    assert port.read(1e-3) + port.read(1e-4) == refused.encode()


def test_event_words_are_taken_every_four_cycles() -> None:
    """With a host that never pauses, the link sets the pace: 254 bytes for 60 words."""
    dut = HostPort(HASH)
    frames = 12
    stream = Frame.of_words(FrameType.PING, 0, 1).encode()
    for k in range(frames):
        stream += Frame.of_words(FrameType.EVENTS, k + 1, np.arange(60) + 1).encode()
    words: list[int] = []
    cycles: list[int] = []

    async def host(ctx: Any) -> None:
        ctx.set(dut.tx.ready, 1)
        ctx.set(dut.o_words.ready, 1)
        place = now = 0
        while len(words) < 60 * frames:
            ctx.set(dut.rx.valid, place < len(stream))
            ctx.set(dut.rx.payload, stream[min(place, len(stream) - 1)])
            _, _, moved, valid, word = await ctx.tick().sample(
                dut.rx.valid & dut.rx.ready, dut.o_words.valid, dut.o_words.payload
            )
            place += moved
            now += 1
            if valid:
                words.append(word)
                cycles.append(now)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(host)
    simulator.run_until(10e-3)
    assert words == [*range(1, 61)] * frames
    assert cycles[-1] - cycles[0] <= (frames - 1) * 246 + 240


def test_events_are_framed_together_and_sent_at_the_last_word() -> None:
    dut = HostPort(HASH)
    events = [(k, k in (4, 204)) for k in range(205)]
    reader = FrameReader()
    received: list[Frame] = []

    async def fabric(ctx: Any) -> None:
        for word, last in events:
            ctx.set(dut.i_words.payload, {"word": word, "last": last})
            ctx.set(dut.i_words.valid, 1)
            await ctx.tick().until(dut.i_words.ready)
            ctx.set(dut.i_words.valid, 0)
            if last:
                await ctx.tick().repeat(60)

    async def host(ctx: Any) -> None:
        ctx.set(dut.tx.ready, 1)
        while sum(len(frame.words) for frame in received) < len(events):
            _, _, valid, byte = await ctx.tick().sample(dut.tx.valid, dut.tx.payload)
            if valid:
                received.extend(reader.feed(bytes((byte,))))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(fabric, background=True)
    simulator.add_testbench(host)
    simulator.run_until(5e-3)
    assert [len(frame.words) for frame in received] == [5, 60, 60, 60, 20]
    assert [frame.sequence for frame in received] == [0, 1, 2, 3, 4]
    assert np.concatenate([frame.words for frame in received]).tolist() == list(range(205))


@pytest.mark.parametrize(
    ("config_hash", "window", "error", "message"),
    [
        ("a", 512, TypeError, "^Configuration hash must be an integer, not 'a'$"),
        (
            -1,
            512,
            ValueError,
            "^Configuration hash must be unsigned and have 64 bits at most, not -1$",
        ),
        (0, 500, ValueError, "^Window must be a power of two from 512 to 8192 bytes, not 500$"),
    ],
)
def test_arguments_are_checked(
    config_hash: Any, window: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        HostPort(config_hash, window)


def test_events_leave_while_a_read_waits_for_them() -> None:
    dut = HostPort(HASH)
    stream = Frame.of_words(FrameType.PING, 0, 1).encode()
    stream += Frame.of_words(FrameType.READ, 1, 5, 2).encode()
    reader = FrameReader()
    received: list[Frame] = []

    async def fabric(ctx: Any) -> None:
        ctx.set(dut.requests.ready, 1)
        await ctx.tick().until(dut.requests.valid)
        await ctx.tick().repeat(300)
        ctx.set(dut.i_words.payload, {"word": 9, "last": 1})
        ctx.set(dut.i_words.valid, 1)
        await ctx.tick().until(dut.i_words.ready)
        ctx.set(dut.i_words.valid, 0)
        while received[-1].type != FrameType.DEVICE_EVENTS:
            await ctx.tick()
        for word in (70, 71):
            ctx.set(dut.responses.payload, word)
            ctx.set(dut.responses.valid, 1)
            await ctx.tick().until(dut.responses.ready)
        ctx.set(dut.responses.valid, 0)

    async def host(ctx: Any) -> None:
        ctx.set(dut.tx.ready, 1)
        place = 0
        while len(received) < 3:
            ctx.set(dut.rx.valid, place < len(stream))
            ctx.set(dut.rx.payload, stream[min(place, len(stream) - 1)])
            _, _, moved, valid, byte = await ctx.tick().sample(
                dut.rx.valid & dut.rx.ready, dut.tx.valid, dut.tx.payload
            )
            place += moved
            received.extend(reader.feed(bytes((byte,))) if valid else [])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(fabric, background=True)
    simulator.add_testbench(host)
    simulator.run_until(3e-3)
    assert [frame.type for frame in received[1:]] == [FrameType.DEVICE_EVENTS, FrameType.DATA]
    assert received[2].words.tolist() == [5, 70, 71]
