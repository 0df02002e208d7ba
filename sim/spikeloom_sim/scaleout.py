"""Chips of a tree, each simulated in a process of its own, joined over TCP by the wire's bytes."""

import select
import socket
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.interchip import ByteLine
from spikeloom_hw.program import Program
from spikeloom_hw.tree.linked import LinkedChip

from .compiled import CompiledChip, kept_verilog
from .library import ENGINES, Engine
from .server import TCPServer

__all__ = ["Wired", "accept_child", "compiled_chip", "main", "reach_parent", "run_branch"]

_CHUNK = 65536
_BATCHES = (512, 4096)  # cycles between looks at the sockets, if bytes move and if not
_REST = 0.001  # seconds
_SLEEP = 1 << 23  # cycles without a byte; a link gives up later than that
_TRIES_EVERY = 0.1  # seconds


def compiled_chip(config: ChipConfig, chip: int, *, engine: Engine = "auto") -> CompiledChip:
    """Compile one chip of a tree, whose links have byte streams.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    chip : int
        Number of the chip. Its first stream is that of the host or of its parent, the others
        those of its children, in their order.
    engine : "auto", "cxxrtl" or "verilator"
        What compiles it.
    """
    key = f"{config.hash:016x} chip {chip} with streams of bytes"
    verilog = kept_verilog(key, partial(LinkedChip, config, chip, ByteLine))
    return CompiledChip(verilog, engine=engine)


class Wired:
    """A chip with its children at sockets, which runs as if it had only its first stream.

    :class:`~spikeloom_sim.server.Server` can run it. When the other side has closed a socket the
    link there gives up at once, and the root tells the host.

    Parameters
    ----------
    chip : CompiledChip
        The chip.
    children : sequence of socket
        One for each of its streams but the first.
    """

    def __init__(self, chip: CompiledChip, children: Sequence[socket.socket] = ()) -> None:
        if chip.streams != 1 + len(children):
            raise ValueError(
                f"The chip has {chip.streams - 1} children, but {len(children)} sockets were given"
            )
        self.chip = chip
        self._numbers = dict(zip(children, range(1, chip.streams), strict=True))
        self._rests = False
        for child in children:
            _hurry(child)

    @property
    def cycles(self) -> int:
        """Clock cycles since the last reset."""
        return self.chip.cycles

    @property
    def children(self) -> list[socket.socket]:
        """Sockets that are still open."""
        return list(self._numbers)

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        """Give bytes to the first stream; give what came out of it, and how many bytes it took.

        Returns when something came out, or after so many cycles or some more.
        """
        end, output, given = self.chip.cycles + cycles, b"", 0
        while not output and self.chip.cycles < end:
            came = self._receive(_REST if self._rests else 0.0)
            batch = _BATCHES[self._rests and not came]
            output, taken = self.chip.run(data[given:], cycles=batch, quiet=16, answered=True)
            given += taken
            self._rests = not (self._send() or came or output or taken)
        return output, given

    def _receive(self, wait: float) -> bool:
        """Give the chip what has come; tell whether anything has."""
        ready = select.select(self.children, [], [], wait)[0] if self._numbers else []
        for child in ready:
            data = _take(child)
            if data:
                self.chip.give(self._numbers[child], data)
            else:
                self._lose(child)
        return bool(ready)

    def _send(self) -> bool:
        """Send what came out of the chip; tell whether anything did."""
        moved = False
        for child in self.children:
            data = self.chip.take(self._numbers[child])
            moved = moved or bool(data)
            if not _give(child, data):
                self._lose(child)
        return moved

    def _lose(self, child: socket.socket) -> None:
        """Tell the chip that a child has left."""
        self.chip.hang_up(self._numbers.pop(child))


def run_branch(wired: Wired, parent: socket.socket) -> None:
    """Run a chip that is not the root until its parent leaves.

    It stands still when nobody has said anything for long, and goes on with the next byte.

    Parameters
    ----------
    wired : Wired
        The chip with its children.
    parent : socket
        Wires to the parent.
    """
    _hurry(parent)
    incoming, heard, rests = b"", wired.cycles, False
    while True:
        sleeps = wired.cycles - heard >= _SLEEP
        watched = [parent, *(wired.children if sleeps else [])]
        wait = None if sleeps else _REST if rests else 0.0
        ready = select.select(watched, [], [], wait)[0]
        if ready:
            heard = wired.cycles
        if parent in ready:
            data = _take(parent)
            if not data:
                return
            incoming += data
        output, taken = wired.run(incoming, cycles=_BATCHES[rests])
        incoming, rests = incoming[taken:], not (output or taken)
        if not _give(parent, output):
            return


def accept_child(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Wait at a port for the process of a child."""
    with socket.create_server((host, port)) as listener:
        return listener.accept()[0]


def reach_parent(host: str, port: int, seconds: float = 600.0) -> socket.socket:
    """Connect to the process of the parent, which may not be there yet.

    Raises
    ------
    ConnectionRefusedError
        If it does not come within so many seconds.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            if time.monotonic() >= end:
                raise
            time.sleep(_TRIES_EVERY)


def _hurry(link: socket.socket) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _take(link: socket.socket) -> bytes:
    """Read what has come; nothing if the other side has left."""
    try:
        return link.recv(_CHUNK)
    except ConnectionError:
        return b""


def _give(link: socket.socket, data: bytes) -> bool:
    """Send bytes, which are few as the link has credits; tell whether the other side is there."""
    try:
        link.sendall(data)
    except OSError:
        return False
    return True


@click.command()
@click.argument("program", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--chip", default=0, show_default=True, help="Number of the chip; 0 is the root.")
@click.option("--port", default=0, help="Port for the host, of the root; 0 for any.")
@click.option("--parent", metavar="HOST:PORT", help="Where its parent waits, of other chips.")
@click.option("--child", "ports", multiple=True, type=int, help="Port for each child, in order.")
@click.option("--engine", default="auto", type=click.Choice(list(ENGINES)), help="Compiler.")
def main(
    program: Path, chip: int, port: int, parent: str | None, ports: tuple[int, ...], engine: Engine
) -> None:
    """Simulate one chip of PROGRAM: the root for a host, another one for its parent.

    The root tells its URL, for Device.open, once all chips are there.
    """
    if bool(chip) != bool(parent):
        raise click.UsageError("Every chip but the root, which is chip 0, needs --parent")
    compiled = compiled_chip(Program.load(program).config, chip, engine=engine)
    wired = Wired(compiled, [accept_child(each) for each in ports])
    if parent is not None:
        host, _, number = parent.rpartition(":")
        run_branch(wired, reach_parent(host, int(number)))
        return
    with TCPServer(wired, port=port) as server:
        click.echo(server.url)
        server.wait()


if __name__ == "__main__":
    main()
