"""The command line ``spikeloom``."""

import click

from .about import doctor, targets
from .boards import boards
from .build import build
from .check import check
from .demo import demo
from .example import example
from .program import program
from .run import run, simulate
from .serve import serve
from .stream import stream

__all__ = ["main"]


@click.group()
@click.version_option(package_name="spikeloom", message="%(prog)s %(version)s")
def main() -> None:
    """Spiking neural networks as verified hardware.

    Every command takes --json. Exit codes: 0 all is well, 1 the answer is no (it does not fit, it
    differs, something is missing), 2 the input or the command was wrong.
    """


_COMMANDS = (
    *(check, build, program, simulate, serve, run, stream),
    *(boards, targets, doctor, demo, example),
)
for _command in _COMMANDS:
    main.add_command(_command)
