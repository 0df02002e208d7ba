"""ECPIX-5: ECP5-5G of two sizes."""

from .board import Board, Link, Programmer, USBIdentity
from .device import Device
from .ecp5 import LFE5UM5G_45F, LFE5UM5G_85F
from .target import TARGETS

__all__ = ["ECPIX5_45", "ECPIX5_85"]


def _board(name: str, device: Device, platform: str, blocks: int) -> Board:
    return Board(
        name=name,
        summary=f"LambdaConcept ECPIX-5 with the {device.part}",
        device=device,
        platform=f"amaranth_boards.ecpix5:{platform}",
        crystal=100e6,
        frequency=75e6,
        link=Link("FT2232H", 3_000_000, (USBIdentity(0x0403, 0x6010, 1),)),
        target=TARGETS[name],
        programmer=Programmer("ecpix5"),
        led=("rgb_led", 0),
        weight_bits=blocks * device.plain_block_bits,
    )


ECPIX5_45 = _board("ecpix5-45", LFE5UM5G_45F, "ECPIX545Platform", 80)
"""The board with the 45F."""
ECPIX5_85 = _board("ecpix5-85", LFE5UM5G_85F, "ECPIX585Platform", 160)
"""The board with the 85F."""
