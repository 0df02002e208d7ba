"""``spikeloom serve``: a simulated device that other programs reach over a link."""

from pathlib import Path
from typing import Any

import click

from spikeloom_boards.target import TARGETS
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.library import ENGINES, pick_engine
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.server import PtyServer, Server, TCPServer
from spikeloom_sim.uart_chip import CompiledSerialChip
from spikeloom_sim.uart_server import UartServer

from ..flow import compile
from .files import read_work
from .report import Outcome, Report, command

__all__ = ["serve"]


@click.command()
@click.argument("work", metavar="NETWORK_OR_PROGRAM", type=click.Path(path_type=Path))
@click.option("--tcp", type=click.IntRange(0, 65535), metavar="PORT", help="Port; 0 for any free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--pty", is_flag=True, help="A pseudo-terminal, in place of a TCP port.")
@click.option(
    "--link",
    default="bytes",
    show_default=True,
    type=click.Choice(["bytes", "uart"]),
    help="What the chip has: byte streams, or a serial line with the rate of the terminal.",
)
@click.option(
    "--clock",
    type=click.FloatRange(min=12e6),
    metavar="HZ",
    help="Clock of a chip with a serial line; 24e6 by default.",
)
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice(list(ENGINES)),
    help="Compiler of the Verilog.",
)
@click.option(
    "--target",
    default="generic-16",
    show_default=True,
    type=click.Choice(list(TARGETS)),
    help="Hardware that a network is compiled for; a program has its own.",
)
@command
def serve(
    report: Report, work: Path, tcp: int | None, host: str, pty: bool, **chosen: Any
) -> Outcome:
    """Simulate the Verilog of a network or a program, and serve it like a board until Ctrl-C.

    Standard output tells the URL, for Device.open and for ``spikeloom run --url``.
    """
    if pty == (tcp is not None):
        raise ValueError("Give either --tcp PORT or --pty")
    link, clock = chosen["link"], chosen["clock"]
    if link == "uart" and not pty:
        raise ValueError("--link uart needs --pty, as a TCP port has no rate")
    if link == "bytes" and clock is not None:
        raise ValueError("--clock is for a serial line; give --link uart with it")
    program = read_work(work)
    if isinstance(program, QuantisedNetwork):
        program = compile(program, chosen["target"])
    with report.working("Compiling the simulation"):
        engine = pick_engine(chosen["engine"])
        if link == "uart":
            chip = CompiledSerialChip(program, frequency=clock or 24e6, engine=engine)
        else:
            chip = CompiledChip(program, engine=engine)
    with _server(chip, tcp, host) as server:
        configuration = f"{program.config.hash:016x}"
        report.announce({"url": server.url, "configuration": configuration})
        report.say(f"{server.url}  configuration {configuration}, until Ctrl-C")
        try:
            server.wait()
        except KeyboardInterrupt:
            report.say("Stopped")
    return Outcome(None)


def _server(chip: CompiledChip | CompiledSerialChip, tcp: int | None, host: str) -> Server:
    if isinstance(chip, CompiledSerialChip):
        return UartServer(chip)
    if tcp is None:
        return PtyServer(chip)
    try:
        return TCPServer(chip, host, tcp)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise ValueError(f"Port {tcp} of {host} cannot be served: {cause}") from error
