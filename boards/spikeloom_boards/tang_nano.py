"""Sipeed Tang Nano 9K and 20K: Gowin LittleBee and Arora."""

from .board import Board, Link, Programmer, USBIdentity
from .device import Device, Family
from .target import TARGETS

__all__ = ["GW1NR_9C", "GW2AR_18C", "TANG_NANO_9K", "TANG_NANO_20K"]

GW1NR_9C = Device(Family.GOWIN, "GW1NR-9C", "QN88P", "C6/I5", 8640, 6480, 26, 18432, 20)
"""8,640 LUT4, 26 BSRAM."""
GW2AR_18C = Device(Family.GOWIN, "GW2AR-18C", "QN88", "C8/I7", 20_736, 15_552, 46, 18432, 48)
"""20,736 LUT4, 46 BSRAM."""

# Both bridges say that they are an FT2232, whose second interface is the serial line.
_USB = (USBIdentity(0x0403, 0x6010, 1),)

TANG_NANO_9K = Board(
    name="tang-nano-9k",
    summary="Sipeed Tang Nano 9K",
    device=GW1NR_9C,
    platform="spikeloom_boards.platforms:TangNano9KPlatform",
    crystal=27e6,
    frequency=27e6,
    link=Link("BL702", 1_000_000, _USB),
    target=TARGETS["tang-nano-9k"],
    programmer=Programmer("tangnano9k"),
    led=("led", 0),
    weight_bits=14 * GW1NR_9C.plain_block_bits,
)
"""The smaller board."""

TANG_NANO_20K = Board(
    name="tang-nano-20k",
    summary="Sipeed Tang Nano 20K",
    device=GW2AR_18C,
    platform="spikeloom_boards.platforms:TangNano20KPlatform",
    crystal=27e6,
    frequency=54e6,
    link=Link("BL616", 2_000_000, _USB),
    target=TARGETS["tang-nano-20k"],
    programmer=Programmer("tangnano20k"),
    led=("led", 0),
    weight_bits=32 * GW2AR_18C.plain_block_bits,
)
"""The larger board."""
