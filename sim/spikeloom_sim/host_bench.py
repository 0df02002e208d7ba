"""Benches of the host link: a device behind a transport, on a clock that nobody waits for."""

from collections import deque
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect
from amaranth.sim import Simulator

from spikeloom_hw.host.frame import WINDOW
from spikeloom_hw.host.port import HostPort
from spikeloom_hw.link import request_layout, word_layout

from .device_model import COUNTER, STEP, DeviceModel

__all__ = ["HostLoad", "ModelTransport", "PortTransport"]


class ModelTransport:
    """Transport to a :class:`DeviceModel`, on a clock that moves only while the host waits.

    Parameters
    ----------
    device : DeviceModel
        The device.
    """

    def __init__(self, device: DeviceModel) -> None:
        self.device = device
        self.now = 0.0
        self._answers = b""

    def clock(self) -> float:
        """Time in seconds."""
        return self.now

    def write(self, data: bytes) -> None:
        """Send bytes, which the device takes at once."""
        self._answers += self.device.feed(data)

    def read(self, timeout: float) -> bytes:
        """Give what was answered; the time passes if nothing was."""
        if not self._answers:
            self.now += timeout
        answers, self._answers = self._answers, b""
        return answers

    def close(self) -> None:
        """Do nothing."""


class HostLoad(wiring.Component):
    """What stands behind the host port in a bench; :class:`DeviceModel` does the same.

    256 words of memory, a register at ``COUNTER`` that adds up what is written to it, and an echo
    of the event words once one with the bit ``STEP`` has come.

    Members
    -------
    requests, responses : In, Out
        Accesses.
    i_words, o_words : In, Out
        Event words.
    """

    REST = 40

    requests: stream.Interface
    responses: stream.Interface
    i_words: stream.Interface
    o_words: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "requests": In(stream.Signature(request_layout())),
            "responses": Out(stream.Signature(unsigned(32))),
            "i_words": In(stream.Signature(unsigned(32))),
            "o_words": Out(stream.Signature(word_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the load."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=unsigned(32), depth=256, init=[])
        m.submodules.echo = echo = SyncFIFOBuffered(width=32, depth=256)
        reading, writing = memory.read_port(), memory.write_port()
        counter = Signal(32)

        # One access at a time; the answer to a read comes a cycle later.
        request = self.requests.payload
        counts = Signal()
        taken = Signal()
        m.d.comb += [
            self.requests.ready.eq(~self.responses.valid),
            taken.eq(self.requests.valid & self.requests.ready),
            counts.eq(request.address == COUNTER),
            reading.addr.eq(request.address),
            reading.en.eq(taken),
            writing.addr.eq(request.address),
            writing.data.eq(request.data),
            writing.en.eq(taken & request.write & ~counts),
        ]
        counted = Signal()
        m.d.comb += self.responses.payload.eq(Mux(counted, counter, reading.data))
        with m.If(taken):
            m.d.sync += [self.responses.valid.eq(~request.write), counted.eq(counts)]
        with m.Elif(self.responses.ready):
            m.d.sync += self.responses.valid.eq(0)
        with m.If(taken & request.write & counts):
            m.d.sync += counter.eq(counter + request.data)

        # Words wait for a step, and then a little for the answer to their frame.
        step = STEP.bit_length() - 1
        steps = Signal(9)
        rest = Signal(range(self.REST + 1))
        enters, leaves = Signal(), Signal()
        m.d.comb += [
            self.i_words.ready.eq(echo.w_rdy),
            echo.w_en.eq(self.i_words.valid),
            echo.w_data.eq(self.i_words.payload),
            enters.eq(self.i_words.valid & echo.w_rdy & self.i_words.payload[step]),
            self.o_words.valid.eq(echo.r_rdy & (steps != 0) & (rest == 0)),
            self.o_words.payload.word.eq(echo.r_data),
            self.o_words.payload.last.eq(echo.r_data[step]),
            echo.r_en.eq(self.o_words.valid & self.o_words.ready),
            leaves.eq(echo.r_en & echo.r_data[step]),
        ]
        m.d.sync += steps.eq(steps + enters - leaves)
        with m.If(enters):
            m.d.sync += rest.eq(self.REST)
        with m.Elif(rest != 0):
            m.d.sync += rest.eq(rest - 1)

        return m


class PortTransport:
    """Transport to a :class:`HostPort` in Amaranth's simulator, which runs while the host waits.

    Parameters
    ----------
    config_hash : int
        64-bit hash of the configuration.
    pace : float
        Share of the cycles in which the link moves a byte, in each direction.
    seed : int
        Seed of the pauses.
    waits : bool
        Whether the link can wait for the device; if not, it loses what the device has no room for.

    Attributes
    ----------
    cycles : int
        Clock cycles so far; the host's clock counts them as microseconds.
    lost : int
        Bytes lost for lack of room.
    """

    def __init__(
        self, config_hash: int = 0, pace: float = 1.0, seed: int = 0, waits: bool = True
    ) -> None:
        self.cycles = 0
        self.lost = 0
        self._pace = pace
        self._waits = waits
        self._random = np.random.default_rng(seed)
        self._outgoing: deque[int] = deque()
        self._incoming = bytearray()
        m = Module()
        m.submodules.port = self._port = HostPort(config_hash, WINDOW)
        m.submodules.load = load = HostLoad()
        connect(m, self._port.requests, load.requests)
        connect(m, load.responses, self._port.responses)
        connect(m, self._port.o_words, load.i_words)
        connect(m, load.o_words, self._port.i_words)
        self._simulator = Simulator(m)
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._move, background=True)

    def clock(self) -> float:
        """Time in seconds."""
        return self.cycles * 1e-6

    def write(self, data: bytes) -> None:
        """Send bytes as soon as the simulation runs."""
        self._outgoing.extend(data)

    def read(self, timeout: float) -> bytes:
        """Run the simulation until it gave bytes."""
        end = self.cycles + max(1, round(timeout * 1e6))
        while self.cycles < end and not self._incoming:
            self.run(min(end - self.cycles, 16))
        received = bytes(self._incoming)
        self._incoming.clear()
        return received

    def run(self, cycles: int) -> None:
        """Run the simulation for a number of cycles."""
        end = self.cycles + cycles
        while self.cycles < end:
            self._simulator.advance()

    def close(self) -> None:
        """Do nothing."""

    async def _move(self, ctx: Any) -> None:
        """Move a byte in and a byte out in each cycle, or none."""
        rx, tx = self._port.rx, self._port.tx
        while True:
            gives = bool(self._outgoing) and self._random.random() < self._pace
            takes = self._random.random() < self._pace
            ctx.set(rx.valid, gives)
            ctx.set(rx.payload, self._outgoing[0] if gives else 0)
            ctx.set(tx.ready, takes)
            _, _, ready, valid, byte = await ctx.tick().sample(rx.ready, tx.valid, tx.payload)
            self.cycles += 1
            if gives and (ready or not self._waits):
                self._outgoing.popleft()
                self.lost += not ready
            if takes and valid:
                self._incoming.append(byte)
