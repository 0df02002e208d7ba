"""All boards."""

from .arty import ARTY_A7_35, ARTY_A7_100
from .board import Board
from .ecpix5 import ECPIX5_45, ECPIX5_85
from .icebreaker import ICEBREAKER
from .orangecrab import ORANGECRAB_25F
from .tang_nano import TANG_NANO_9K, TANG_NANO_20K
from .ulx3s import ULX3S_12F, ULX3S_85F

__all__ = ["BOARDS"]

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        ICEBREAKER,
        ULX3S_85F,
        ULX3S_12F,
        ORANGECRAB_25F,
        ECPIX5_45,
        ECPIX5_85,
        TANG_NANO_9K,
        TANG_NANO_20K,
        ARTY_A7_35,
        ARTY_A7_100,
    )
}
"""Boards by name."""
