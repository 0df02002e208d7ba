from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from cobs import cobs

from spikeloom_hw.host.cobs import Decoder, Encoder


def bodies() -> list[bytes]:
    """Make frames of all kinds of lengths and fillings."""
    random = np.random.default_rng(3)
    sizes = [*range(1, 20), 60, 127, 128, 250, 251, 252, 253]
    fillings = [bytes(size) for size in sizes]
    fillings += [b"\xff" * size for size in sizes]
    for size in sizes:
        mostly_zero = random.integers(0, 256, size) * (random.random(size) < 0.3)
        fillings.append(mostly_zero.astype(np.uint8).tobytes())
        fillings.append(random.bytes(size))
    return fillings


def encode(frames: list[bytes], pace: float) -> tuple[bytes, int]:
    """Send frames through the encoder; give its bytes and the cycles that it took."""
    dut = Encoder()
    random = np.random.default_rng(5)
    items = [(byte, k == len(body) - 1) for body in frames for k, byte in enumerate(body)]
    total = sum(len(cobs.encode(body)) + 1 for body in frames)
    sent = bytearray()
    cycles = 0

    async def drive(ctx: Any) -> None:
        for byte, last in items:
            while random.random() >= pace:
                await ctx.tick()
            ctx.set(dut.i.payload, {"byte": byte, "last": last})
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)

    async def collect(ctx: Any) -> None:
        nonlocal cycles
        while len(sent) < total:
            takes = random.random() < pace
            ctx.set(dut.o.ready, takes)
            _, _, valid, byte = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            cycles += 1
            if takes and valid:
                sent.append(byte)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(collect)
    simulator.run()
    return bytes(sent), cycles


def decode(stream: bytes, pace: float) -> tuple[list[bytes], int]:
    """Send bytes through the decoder; give the frames that it calls good, and count the others."""
    dut = Decoder()
    random = np.random.default_rng(6)
    frames: list[bytes] = []
    bad = 0

    async def move(ctx: Any) -> None:
        nonlocal bad
        body = bytearray()
        place = 0
        while place < len(stream):
            ctx.set(dut.i.payload, stream[place])
            ctx.set(dut.i.valid, random.random() < pace)
            ctx.set(dut.o.ready, random.random() < pace)
            o = dut.o.payload
            _, _, moved, valid, ready, byte, end, cut = await ctx.tick().sample(
                dut.i.valid & dut.i.ready, dut.o.valid, dut.o.ready, o.byte, o.end, o.bad
            )
            place += moved
            if valid and ready and end:
                bad += cut
                frames.extend([] if cut else [bytes(body)])
                body.clear()
            elif valid and ready:
                body.append(byte)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(move)
    simulator.run()
    return frames, bad


@pytest.mark.parametrize("pace", [1.0, 0.5])
def test_encoder_and_decoder_match_the_reference(pace: float) -> None:
    frames = bodies()
    encoded, _ = encode(frames, pace)
    assert encoded == b"".join(cobs.encode(body) + b"\0" for body in frames)
    assert decode(encoded, pace) == (frames, 0)


def test_encoder_sends_almost_a_byte_a_cycle() -> None:
    encoded, cycles = encode([bytes(range(1, 253))] * 8, 1.0)
    # The last frame is sent only when the others have been.
    assert cycles < len(encoded) + 270


@pytest.mark.parametrize("seed", range(5))
def test_decoder_finds_the_frame_behind_any_garbage(seed: int) -> None:
    random = np.random.default_rng(seed)
    body = random.bytes(30)
    stream = b""
    for _ in range(10):
        garbage = random.bytes(int(random.integers(1, 100)))
        stream += garbage + b"\0" + cobs.encode(body) + b"\0"
    frames, _ = decode(stream, 1.0)
    assert frames.count(body) == 10
