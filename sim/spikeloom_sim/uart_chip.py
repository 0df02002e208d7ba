"""The emitted chip with a serial line, compiled, and a computer with a UART at the other end."""

import ctypes
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikeloom_hw.chip import SerialChip
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.host.uart import break_cycles_at
from spikeloom_hw.program import Program

from .compiled import kept_verilog
from .library import Engine, build_library
from .simulated import Simulated
from .uart_line import LineReader, LineWriter

__all__ = ["CompiledSerialChip", "SerialLine"]

_ROOM = 65536
_BATCH = 1024
_FASTEST = 3_000_000


class CompiledSerialChip(Simulated):
    """A chip behind pins in this process; nothing of it moves but in a call of :meth:`run`.

    Parameters
    ----------
    source : Program, ChipConfig or path
        What to simulate: the hardware of a program, or a Verilog file emitted with link="uart".
    frequency : float
        Clock of the chip in Hz.
    engine : "auto", "cxxrtl" or "verilator"
        What compiles it; see :func:`~spikeloom_sim.library.build_library`.
    """

    def __init__(
        self,
        source: Program | ChipConfig | str | os.PathLike[str],
        *,
        frequency: float = 24e6,
        engine: Engine = "auto",
    ) -> None:
        if isinstance(source, Program):
            source = source.config
        if isinstance(source, ChipConfig):
            source = _emitted(source, frequency)
        self.frequency = frequency
        super().__init__(build_library(source, engine, "uart"))
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64
        self._library.spikeloom_pins.restype = size
        self._library.spikeloom_pins.argtypes = [
            *(pointer, pointer, size, pointer, size, number, ctypes.POINTER(size)),
        ]
        self._room = np.zeros(_ROOM, np.uint64)
        self.reset()

    def run(self, edges: Sequence[float], until: int) -> tuple[list[float], int]:
        """Run the chip up to a cycle.

        Parameters
        ----------
        edges : sequence of float
            Times in cycles at which the line to the chip changes, from where they were last taken.
        until : int
            Cycle to end in.

        Returns
        -------
        tuple of list of float and int
            Cycles in which the line from the chip changed, and how many of ``edges`` have passed.
            The chip ends earlier after 65536 edges.
        """
        given = np.ceil(np.asarray(edges, float)).astype(np.uint64)
        passed = ctypes.c_size_t()
        count = self._library.spikeloom_pins(
            *(self._alive(), given.ctypes.data, len(given), self._room.ctypes.data, _ROOM),
            *(max(until, 0), ctypes.byref(passed)),
        )
        return self._room[:count].astype(float).tolist(), passed.value


class SerialLine:
    """A line between a simulated chip and a UART of any rate; time is counted in clock cycles.

    Parameters
    ----------
    chip : CompiledSerialChip
        The chip.
    baud : float
        Bits a second of the UART.

    Attributes
    ----------
    chip : CompiledSerialChip
        The chip.
    """

    def __init__(self, chip: CompiledSerialChip, baud: float = _FASTEST) -> None:
        self.chip = chip
        self._writer = LineWriter(chip.cycles)
        self._reader = LineReader(chip.frequency / baud)
        self._bit = chip.frequency / baud
        self._early = b""

    @property
    def cycles(self) -> int:
        """Clock cycles since the reset of the chip."""
        return self.chip.cycles

    @property
    def waiting(self) -> float:
        """Cycles until all that was sent has left."""
        return max(0.0, self._writer.now - self.chip.cycles)

    @property
    def baud(self) -> float:
        """Bits a second of the UART."""
        return self.chip.frequency / self._bit

    def set_baud(self, baud: float) -> None:
        """Change the rate, once all that was sent has left; what comes until then is kept."""
        bit = self.chip.frequency / baud
        if bit != self._bit:
            self._early += self.advance(math.ceil(self.waiting))
            self._bit = self._reader.bit = bit

    def drain(self, most: int) -> None:
        """Run until no more than ``most`` cycles are left of what was sent; keep what comes."""
        self._early += self.advance(math.ceil(self.waiting) - most)

    def send(self, data: bytes, delay: float = 0.0) -> None:
        """Send bytes behind those that wait, no sooner than in ``delay`` cycles."""
        rest = self.chip.cycles + delay - self._writer.now
        if rest > 0:
            self._writer.hold(1, rest)
        self._writer.send(data, self._bit)

    def advance(self, cycles: int) -> bytes:
        """Run for some cycles, and give the bytes that came."""
        end = self.chip.cycles + cycles
        received, self._early = self._early, b""
        while self.chip.cycles < end:
            edges, passed = self.chip.run(self._writer.edges, end)
            del self._writer.edges[:passed]
            received += self._reader.feed(edges, self.chip.cycles)
        return received

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        """Send bytes, and run until some came; as :meth:`CompiledChip.run`, for a server.

        All bytes are taken. ``quiet`` and ``answered`` say that it is to end as soon as bytes came.
        """
        self.send(data)
        end = self.chip.cycles + cycles
        while self.chip.cycles < end or self._early:
            received = self.advance(min(_BATCH, end - self.chip.cycles))
            if received:
                return received, len(data)
        return b"", len(data)


def _emitted(config: ChipConfig, frequency: float) -> Path:
    divisor, pause = frequency / _FASTEST, break_cycles_at(frequency)
    key = f"{config.hash:016x} uart {divisor!r} {pause}"
    return kept_verilog(key, lambda: SerialChip(config, divisor, pause))
