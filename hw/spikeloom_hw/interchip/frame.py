"""Frames of the chip link: a header, words, and a checksum."""

from importlib import import_module
from typing import Any

from amaranth.lib import data

__all__ = [
    "CHECK_BYTES",
    "COUNT_WIDTH",
    "HEADER_BYTES",
    "LONGEST_FRAME",
    "checksum_processor",
    "data_header",
    "hello_header",
    "word_bytes",
]

HEADER_BYTES = 4
CHECK_BYTES = 4
COUNT_WIDTH = 8
"""Bits of the numbers of words; they count on through all frames of a session."""

LONGEST_FRAME = 253
"""Bytes of a frame that byte stuffing can take."""


def data_header() -> data.StructLayout:
    """Describe the header of a frame with words, or with none.

    ``sequence`` is the number of the first word, ``ack`` that of the word expected from the other
    end, ``limit`` the number before which the other end may send. ``again`` asks the other end to
    go back, ``poll`` asks for an answer.
    """
    return data.StructLayout({
        "hello": 1,
        "again": 1,
        "poll": 1,
        "spare": 5,
        "sequence": COUNT_WIDTH,
        "ack": COUNT_WIDTH,
        "limit": COUNT_WIDTH,
    })


def hello_header() -> data.StructLayout:
    """Describe the header of a frame that begins a session.

    ``epoch`` is the number of the sender's session; ``echo`` repeats that of the other end if it
    is ``known``; ``up`` tells that the sender needs no answer; ``size`` is the bytes of a word.
    """
    return data.StructLayout({
        "hello": 1,
        "known": 1,
        "up": 1,
        "spare": 5,
        "epoch": 8,
        "echo": 8,
        "size": 8,
    })


def word_bytes(width: int) -> int:
    """Bytes of a word of ``width`` bits in a frame."""
    return -(-width // 8)


def checksum_processor() -> Any:
    """Build Amaranth's processor of CRC-32C (Castagnoli), a byte every cycle.

    Of the frames that were changed in any way, one in 2**32 keeps a valid checksum.
    """
    # Imported by name because amaranth-stubs leaves out amaranth.lib.crc.
    return import_module("amaranth.lib.crc.catalog").CRC32_ISCSI(data_width=8).create()
