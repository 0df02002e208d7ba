"""Bytes into a chip and bytes out of it: what every way of simulating one is asked for."""

from dataclasses import dataclass

__all__ = ["PATIENCE", "Exchange"]

PATIENCE = 2000
"""Cycles without a byte out after which an exchange ends, once all bytes are in."""


@dataclass(frozen=True)
class Exchange:
    """What came of giving a chip the bytes of a script after a reset.

    Without pauses on the streams it does not depend on what simulates the chip: the first byte is
    offered in the first cycle after the reset, each next one as soon as the one before is taken,
    and every byte of the chip is taken at once.

    Parameters
    ----------
    output : bytes
        What the chip gave.
    cycles : int
        Clock cycles from the end of the reset until the last of it was taken; 0 if there was none.
    """

    output: bytes
    cycles: int
