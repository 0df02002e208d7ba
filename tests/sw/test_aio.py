"""Awaited calls give what the blocking ones give, and leave the device fit when they are left."""

import asyncio
import re
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from spikeloom import (
    LIF,
    Device,
    Golden,
    Network,
    Program,
    QuantisedNetwork,
    Recording,
    compile,
    quantise,
)
from spikeloom.errors import LinkError
from spikeloom.host.aio import AsyncDevice
from spikeloom.host.stream import Binning, Pacing, StreamStep
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.server import TCPServer
from spikeloom_sim.structures import STRUCTURES

DT = 1000
STEPS = 40
EVENT = np.dtype([("t", np.int64), ("neuron", np.int32)])


@pytest.fixture(scope="module")
def network() -> QuantisedNetwork:
    network = Network()
    network.add_input("in", 9)
    network.add_population("out", 7, LIF(decay=0.9))
    network.connect("in", "out", np.random.default_rng(4).normal(0.2, 0.5, (9, 7)))
    return quantise(network, potential_width=20)


@pytest.fixture(scope="module")
def program(network: QuantisedNetwork) -> Program:
    return compile(network, ChipConfig(STRUCTURES["everything"]))


@pytest.fixture(scope="module")
def chip(program: Program) -> CompiledChip:
    return CompiledChip(program)


@pytest.fixture(scope="module")
def spikes() -> np.ndarray:
    return np.random.default_rng(5).random((STEPS, 9)) < 0.3


@pytest.fixture(scope="module")
def expected(network: QuantisedNetwork, spikes: np.ndarray) -> Recording:
    recording = Golden(network).run(spikes)
    assert recording.counts("out").sum() > 20
    return recording


@pytest.fixture
def device(chip: CompiledChip, program: Program) -> AsyncDevice:
    chip.reset()
    return AsyncDevice(partial(Device, SimulatedTransport(chip), program))


def chunks(spikes: np.ndarray) -> Iterator[np.ndarray]:
    step, neuron = np.nonzero(spikes)
    events = np.zeros(len(step), EVENT)
    events["t"], events["neuron"] = step * DT, neuron
    yield from np.array_split(events, 7)


def recorded(steps: list[StreamStep]) -> Recording:
    return Recording({"out": np.stack([step.spikes["out"] for step in steps])[:, None]})


def test_awaited_calls_give_what_blocking_ones_give(
    device: AsyncDevice, spikes: np.ndarray, expected: Recording, program: Program
) -> None:
    async def use() -> None:
        async with device as opened:
            recording = await opened.run(spikes, potentials=True)
            assert expected.difference(recording) is None
            last = recording.potentials["out"][-1, 0]
            np.testing.assert_array_equal(await opened.potentials("out"), last)
            np.testing.assert_array_equal((await opened.state("out"))["potential"], last)
            assert (await opened.weights("in", "out")).shape == (9, 7)
            assert await opened.counters() == recording.counters
            await opened.reset()
            fired = await opened.step(spikes[0])
            np.testing.assert_array_equal(fired["out"], expected.spikes["out"][0, 0])
            await opened.load(program)
            assert expected.difference(await opened.run(spikes)) is None

    asyncio.run(use())


def test_a_device_behind_a_link_is_streamed_to_while_other_tasks_run(
    chip: CompiledChip, program: Program, spikes: np.ndarray, expected: Recording
) -> None:
    async def use(url: str) -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with AsyncDevice.open(url, program) as device:
            task = asyncio.create_task(turn())
            stream = device.stream(chunks(spikes), Binning(DT, steps=STEPS), Pacing(ahead=8))
            steps = [step async for step in stream]
            task.cancel()
        assert [step.number for step in steps] == list(range(STEPS))
        assert expected.difference(recorded(steps)) is None
        assert stream.report.steps == STEPS
        assert stream.report.unread_steps == 0
        return turns

    with TCPServer(CompiledChip(program)) as server:
        assert asyncio.run(use(server.url)) > STEPS


def test_a_slow_taker_makes_the_device_wait(device: AsyncDevice, spikes: np.ndarray) -> None:
    async def use() -> None:
        async with device as opened:
            stream = opened.stream(chunks(spikes), Binning(DT, steps=STEPS), Pacing(ahead=4))
            most = 0
            async for step in stream:
                await asyncio.sleep(0.001)
                most = max(most, stream.report.steps - step.number)
            # What is given, what waits, and what comes meanwhile.
            assert most <= 8
            assert stream.report.steps == STEPS

    asyncio.run(use())


def test_a_stream_that_is_left_is_closed_by_the_next_call(
    device: AsyncDevice, spikes: np.ndarray, expected: Recording
) -> None:
    async def use() -> None:
        async with device as opened:
            stream = opened.stream(chunks(spikes), Binning(DT), Pacing(ahead=4))
            async for step in stream:
                assert step.number == 0
                break
            assert expected.difference(await opened.run(spikes)) is None
            assert stream.report.unread_steps == stream.report.steps - 1 > 0
            assert [step async for step in stream] == []
            async with opened.stream(chunks(spikes), Binning(DT, steps=STEPS)) as second:
                steps = [step async for step in second]
            assert expected.difference(recorded(steps)) is None

    asyncio.run(use())


def test_a_stream_that_is_cancelled_drains_the_device(
    device: AsyncDevice, spikes: np.ndarray, expected: Recording
) -> None:
    async def use() -> None:
        async with device as opened:
            # At a hundredth of real time a step takes a tenth of a second.
            stream = opened.stream(chunks(spikes), Binning(DT), Pacing(speed=0.01))
            begun = asyncio.Event()

            async def follow() -> None:
                async for _ in stream:
                    begun.set()

            task = asyncio.create_task(follow())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [step async for step in stream] == []
            assert expected.difference(await opened.run(spikes)) is None
            assert 1 <= stream.report.steps < STEPS
            assert stream.report.unsent > 0

    asyncio.run(use())


def test_a_run_that_is_cancelled_ends_with_its_sample(
    device: AsyncDevice, spikes: np.ndarray, expected: Recording
) -> None:
    batch = np.repeat(spikes[:, None], 500, axis=1)

    async def use() -> None:
        async with device as opened:
            task = asyncio.create_task(opened.run(batch))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await opened.counters())["events"] < batch.sum() // 2
            assert expected.difference(await opened.run(spikes)) is None

    asyncio.run(use())


def test_exceptions_come_through(device: AsyncDevice, spikes: np.ndarray) -> None:
    def source() -> Iterator[np.ndarray]:
        yield from chunks(spikes)
        raise OSError("The disk is gone")

    async def use() -> None:
        async with device as opened:
            with pytest.raises(ValueError, match=r"^There is no population of neurons 'x', but"):
                await opened.potentials("x")
            with pytest.raises(OSError, match=r"^The disk is gone$"):
                async for _ in opened.stream(source(), Binning(DT), Pacing(ahead=4)):
                    pass
            assert (await opened.run(spikes)).counts("out").sum() > 0

    asyncio.run(use())


def test_nothing_to_connect_to_is_told(program: Program) -> None:
    async def use() -> None:
        async with AsyncDevice.open("tcp://127.0.0.1:9", program):
            pass

    with pytest.raises(LinkError, match=r"^Cannot connect to 127\.0\.0\.1:9: nothing listens"):
        asyncio.run(use())


def test_a_device_is_used_between_opening_and_closing_only(
    device: AsyncDevice, spikes: np.ndarray
) -> None:
    message = "The device is not open: use it in an async with block"

    async def use() -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            await device.run(spikes)
        async with device:
            pass
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            device.stream([], Binning(DT))

    asyncio.run(use())
