"""OrangeCrab r0.2: an ECP5 in the size of a Feather, without a bridge from USB to serial."""

from .board import Board, Link, Programmer
from .ecp5 import LFE5U_25F
from .target import TARGETS

__all__ = ["ORANGECRAB_25F"]

ORANGECRAB_25F = Board(
    name="orangecrab-25f",
    summary="OrangeCrab r0.2: the serial line is on pins 0 and 1, for a USB adapter of 3.3 V",
    device=LFE5U_25F,
    platform="spikeloom_boards.platforms:OrangeCrabPlatform",
    crystal=48e6,
    frequency=72e6,
    link=Link("pins 0 and 1", 3_000_000),
    target=TARGETS["orangecrab-25f"],
    programmer=Programmer("orangeCrab", ("dfu-util", "-a", "0", "-D")),
    led=("rgb_led", 0),
    weight_bits=36 * LFE5U_25F.plain_block_bits,
)
"""The board with the 25F."""
