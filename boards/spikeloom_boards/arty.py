"""Digilent Arty A7: Artix-7 of two sizes, whose bitstreams only Vivado makes."""

from .board import Board, Link, Programmer, USBIdentity
from .device import Device, Family
from .target import TARGETS

__all__ = ["ARTY_A7_35", "ARTY_A7_100", "XC7A35T", "XC7A100T"]

XC7A35T = Device(Family.XILINX, "xc7a35ti", "csg324", "1L", 20_800, 41_600, 50, 36_864, 90)
"""20,800 LUT6, 50 RAMB36."""
XC7A100T = Device(Family.XILINX, "xc7a100ti", "csg324", "1L", 63_400, 126_800, 135, 36_864, 240)
"""63,400 LUT6, 135 RAMB36."""


def _board(name: str, device: Device, platform: str, blocks: int) -> Board:
    return Board(
        name=name,
        summary=f"Digilent Arty A7 with the {device.part}: a script for Vivado",
        device=device,
        platform=f"spikeloom_boards.platforms:{platform}",
        crystal=100e6,
        frequency=100e6,
        link=Link("FT2232HQ", 3_000_000, (USBIdentity(0x0403, 0x6010, 1),)),
        target=TARGETS[name],
        programmer=Programmer("arty_a7_35t" if "35" in name else "arty_a7_100t"),
        led=("led", 0),
        weight_bits=blocks * device.plain_block_bits,
    )


ARTY_A7_35 = _board("arty-a7-35", XC7A35T, "Arty35Platform", 32)
"""The board with the smaller device."""
ARTY_A7_100 = _board("arty-a7-100", XC7A100T, "Arty100Platform", 104)
"""The board with the larger device."""
