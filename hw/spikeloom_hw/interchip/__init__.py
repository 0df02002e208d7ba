"""From chip to chip: a reliable link of words in both directions, and its physical forms."""

from .link import ChipLink
from .parallel import ClockedLine, ParallelLine
from .serial import SerialLine

__all__ = ["ChipLink", "ClockedLine", "ParallelLine", "SerialLine"]
