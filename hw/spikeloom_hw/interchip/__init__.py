"""From chip to chip: a reliable link of words in both directions, and its physical forms."""

from .byte_line import ByteLine
from .link import ChipLink, LinkParameters
from .parallel import ClockedLine, ParallelLine
from .port import LinkPort
from .serial import SerialLine

__all__ = [
    "ByteLine",
    "ChipLink",
    "ClockedLine",
    "LinkParameters",
    "LinkPort",
    "ParallelLine",
    "SerialLine",
]
