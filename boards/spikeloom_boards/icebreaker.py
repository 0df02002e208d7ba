"""iCEBreaker: an iCE40UP5K, the smallest device that holds a trained network."""

from .board import Board, Link, Programmer, USBIdentity
from .device import SPRAM_BITS, Device, Family
from .target import TARGETS

__all__ = ["ICE40UP5K", "ICEBREAKER"]

ICE40UP5K = Device(
    family=Family.ICE40,
    part="iCE40UP5K",
    package="SG48",
    speed="",
    luts=5280,
    ffs=5280,
    block_rams=30,
    block_bits=4096,
    dsps=8,
    sprams=4,
)
"""Lattice iCE40 UltraPlus, 5280 logic cells."""

ICEBREAKER = Board(
    name="icebreaker",
    summary="1BitSquared iCEBreaker v1.0: weights in the four SPRAM",
    device=ICE40UP5K,
    platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
    crystal=12e6,
    frequency=24e6,
    link=Link("FT2232H", 3_000_000, (USBIdentity(0x0403, 0x6010, 1),)),
    target=TARGETS["icebreaker"],
    programmer=Programmer("ice40_generic", ("iceprog",)),
    led=("led", 1),
    weight_bits=4 * SPRAM_BITS,
)
"""The board."""
