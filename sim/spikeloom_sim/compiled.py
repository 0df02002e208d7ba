"""The design that is emitted, compiled: fast, exact to the cycle, and driven like a board."""

import ctypes
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from amaranth.lib import wiring

import spikeloom_hw
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.program import Program
from spikeloom_hw.tree.joined import Joined
from spikeloom_hw.yosys import yosys_version

from .cache import cached
from .exchange import PATIENCE, Exchange
from .library import Engine, build_library, pick_engine
from .simulated import Simulated
from .tools import SimulationError

__all__ = ["CompiledChip", "SimulatedTransport", "emitted_verilog", "kept_verilog"]

_BATCH = 16384
_ROOM = 65536
_LIMIT = 100_000_000


def emitted_verilog(config: ChipConfig) -> Path:
    """Verilog of a chip with byte streams, as :func:`spikeloom_hw.emit.emit` writes it, kept.

    Chips of a tree are in one module, joined by registers in the place of links. It is written
    anew only if the configuration, the gateware or the tools have changed.
    """
    top = Joined if config.parents else Chip
    return kept_verilog(f"{config.hash:016x}", lambda: top(config))


def kept_verilog(key: str, make: Callable[[], wiring.Component]) -> Path:
    """Verilog of a component, written anew only if ``key``, gateware or tools have changed."""
    sources = sorted(Path(spikeloom_hw.__path__[0]).rglob("*.py"))
    parts = [key, yosys_version(), *(path.read_bytes() for path in sources)]

    def build(folder: Path) -> None:
        (folder / "spikeloom.v").write_text(verilog_of(make(), "spikeloom"))

    return cached("verilog", parts, build) / "spikeloom.v"


class CompiledChip(Simulated):
    """A chip in this process; nothing of it moves but in a call of :meth:`run`.

    Made ready by a reset. Many may be alive at once, each used by one thread at a time.

    Parameters
    ----------
    source : Program, ChipConfig or path
        What to simulate: the hardware of a program, or an emitted Verilog file.
    engine : "auto", "cxxrtl" or "verilator"
        What compiles it; see :func:`~spikeloom_sim.library.build_library`.
    """

    def __init__(
        self, source: Program | ChipConfig | str | os.PathLike[str], *, engine: Engine = "auto"
    ) -> None:
        if isinstance(source, Program):
            source = source.config
        if isinstance(source, ChipConfig):
            source = emitted_verilog(source)
        self.engine = pick_engine(engine)
        super().__init__(build_library(source, self.engine))
        _describe(self._library)
        self._room = ctypes.create_string_buffer(_ROOM)
        self._last = 0
        self.reset()

    def reset(self) -> None:
        """Reset the chip; memories keep what they hold."""
        super().reset()
        self._last = 0

    def stall(self, seed: int | None, pace: float = 0.5) -> None:
        """Make both streams pause at random, as slow links do; results must not depend on it.

        Parameters
        ----------
        seed : int or None
            Seed of the pauses; None for no pauses.
        pace : float
            Share of the cycles, above 0, in which a stream does not pause.
        """
        if not 0 < pace <= 1:
            raise ValueError(f"Pace must be above 0 and at most 1, not {pace!r}")
        share = 1.0 if seed is None else pace
        self._library.spikeloom_pauses(self._alive(), seed or 0, int(share * (1 << 32)))

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        """Run the chip, giving it bytes and taking what it gives.

        Parameters
        ----------
        data : bytes
            Bytes to give, as fast as the chip takes them.
        cycles : int
            Most cycles to run.
        quiet : int or None
            End earlier, this many cycles after the last byte in or out, once all bytes are in.
        answered : bool
            Whether ``quiet`` counts only from the first byte out.

        Returns
        -------
        tuple of bytes and int
            What the chip gave, at most 64 KiB, and how many bytes of ``data`` it took.
        """
        taken, last = ctypes.c_size_t(), ctypes.c_uint64(self._last)
        wait = cycles if quiet is None else quiet
        received = self._library.spikeloom_run(
            *(self._alive(), data, len(data), self._room, _ROOM, cycles, wait, int(answered)),
            *(ctypes.byref(taken), ctypes.byref(last)),
        )
        self._last = last.value
        return self._room.raw[:received], taken.value

    @property
    def streams(self) -> int:
        """Pairs of byte streams: one, and one for each link besides that of the first stream."""
        return self._library.spikeloom_streams()

    def give(self, number: int, data: bytes) -> None:
        """Leave bytes at stream ``number``, above 0, which takes them while the chip runs."""
        self._library.spikeloom_give(self._alive(), number, data, len(data))

    def hang_up(self, number: int) -> None:
        """Tell the chip, until the next reset, that nobody is at the other end of a stream."""
        self._library.spikeloom_hang_up(self._alive(), number)

    def take(self, number: int) -> bytes:
        """Fetch what came out of stream ``number``, above 0, since the last time."""
        parts = []
        while True:
            size = self._library.spikeloom_take(self._alive(), number, self._room, _ROOM)
            parts.append(ctypes.string_at(self._room, size))
            if size < _ROOM:
                return b"".join(parts)

    def exchange(
        self,
        script: bytes,
        *,
        seed: int | None = None,
        patience: int = PATIENCE,
        beside: Mapping[int, bytes] | None = None,
    ) -> Exchange:
        """Reset the chip, give it a script, and take all that it answers.

        Parameters
        ----------
        script : bytes
            Bytes to give.
        seed : int or None
            Seed of pauses on both streams; None for none.
        patience : int
            Cycles without a byte after which the exchange ends, once all bytes are in.
        beside : mapping of int to bytes, or None
            What other streams are given.

        Raises
        ------
        SimulationError
            If the chip does not take all bytes in 100 million cycles.
        """
        self.reset()
        self.stall(seed)
        for number, data in (beside or {}).items():
            self.give(number, data)
        output = bytearray()
        while True:
            received, taken = self.run(script, cycles=_LIMIT, quiet=patience)
            output += received
            script = script[taken:]
            if self.cycles >= _LIMIT:
                raise SimulationError(f"The chip took all but {len(script)} bytes, then no more")
            if len(received) < _ROOM:
                return Exchange(bytes(output), self._last)


class SimulatedTransport:
    """Link to a simulated chip in this process, which runs while the host waits for bytes.

    Parameters
    ----------
    source : CompiledChip, Program, ChipConfig or path
        The chip, or what to make it from.
    engine : "auto", "cxxrtl" or "verilator"
        What compiles it.

    Attributes
    ----------
    chip : CompiledChip
        The chip.
    """

    def __init__(
        self,
        source: CompiledChip | Program | ChipConfig | str | os.PathLike[str],
        *,
        engine: Engine = "auto",
    ) -> None:
        self._lent = isinstance(source, CompiledChip)
        self.chip = (
            source if isinstance(source, CompiledChip) else CompiledChip(source, engine=engine)
        )
        self._pending = b""

    def write(self, data: bytes) -> None:
        """Send bytes; the chip takes them as soon as it runs."""
        self._pending += data

    def read(self, timeout: float) -> bytes:
        """Run the chip until it gave bytes, for ``timeout`` seconds of the host at most.

        It runs for one batch of cycles in any case, so that a host which does not wait gets on.
        """
        deadline = time.monotonic() + timeout
        while True:
            received, taken = self.chip.run(self._pending, cycles=_BATCH, quiet=16, answered=True)
            self._pending = self._pending[taken:]
            if received or time.monotonic() >= deadline:
                return received

    def close(self) -> None:
        """Give up the chip, unless it was given."""
        if not self._lent:
            self.chip.close()


def _describe(library: ctypes.CDLL) -> None:
    """Say what the functions of byte streams take."""
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64
    library.spikeloom_pauses.argtypes = [pointer, ctypes.c_uint32, number]
    library.spikeloom_give.restype = None
    library.spikeloom_give.argtypes = [pointer, ctypes.c_int, ctypes.c_char_p, size]
    library.spikeloom_hang_up.restype = None
    library.spikeloom_hang_up.argtypes = [pointer, ctypes.c_int]
    library.spikeloom_take.restype = size
    library.spikeloom_take.argtypes = [pointer, ctypes.c_int, ctypes.c_char_p, size]
    library.spikeloom_run.restype = size
    library.spikeloom_run.argtypes = [
        *(pointer, ctypes.c_char_p, size, ctypes.c_char_p, size, number, number, ctypes.c_int),
        *(ctypes.POINTER(size), ctypes.POINTER(number)),
    ]
