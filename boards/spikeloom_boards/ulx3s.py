"""ULX3S: ECP5 from 12F to 85F."""

from .board import Board, Link, Programmer, USBIdentity
from .ecp5 import LFE5U_12F, LFE5U_85F
from .target import TARGETS

__all__ = ["ULX3S_12F", "ULX3S_85F"]

# The bridge counts 12 MHz down by four at least.
_LINK = Link("FT231X", 3_000_000, (USBIdentity(0x0403, 0x6015),))

ULX3S_85F = Board(
    name="ulx3s-85f",
    summary="Radiona ULX3S with the largest ECP5",
    device=LFE5U_85F,
    platform="amaranth_boards.ulx3s:ULX3S_85F_Platform",
    crystal=25e6,
    frequency=75e6,
    link=_LINK,
    target=TARGETS["ulx3s-85f"],
    programmer=Programmer("ulx3s", ("fujprog",)),
    led=("led", 0),
    weight_bits=160 * LFE5U_85F.plain_block_bits,
)
"""The board with the 85F."""

ULX3S_12F = Board(
    name="ulx3s-12f",
    summary="Radiona ULX3S with the smallest ECP5",
    device=LFE5U_12F,
    platform="amaranth_boards.ulx3s:ULX3S_12F_Platform",
    crystal=25e6,
    frequency=75e6,
    link=_LINK,
    target=TARGETS["ulx3s-12f"],
    programmer=Programmer("ulx3s", ("fujprog",)),
    led=("led", 0),
    weight_bits=20 * LFE5U_12F.plain_block_bits,
)
"""The board with the 12F."""
