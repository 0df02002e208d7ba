"""Frames of the host link: their types, limits and byte form, said once for both ends."""

import binascii
import struct
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from cobs import cobs

__all__ = [
    "DELIMITER",
    "MAGIC",
    "MAXIMUM_FRAME",
    "MAXIMUM_PAYLOAD",
    "MAXIMUM_WORDS",
    "PROTOCOL_VERSION",
    "WINDOW",
    "Frame",
    "FrameReader",
    "FrameType",
    "Pong",
    "Status",
    "check_window",
    "checksum",
]

MAGIC = 0x53504B4C
PROTOCOL_VERSION = 1
DELIMITER = 0
MAXIMUM_WORDS = 60
MAXIMUM_PAYLOAD = 248
MAXIMUM_FRAME = 2 + MAXIMUM_PAYLOAD + 2
WINDOW = 512


class FrameType(IntEnum):
    """First byte of a frame; those of the device have the top bit set."""

    PING = 0x01
    WRITE = 0x02
    READ = 0x03
    EVENTS = 0x04
    PONG = 0x81
    ACKNOWLEDGE = 0x82
    DATA = 0x83
    DEVICE_EVENTS = 0x84
    ERROR = 0x8F


class Status(IntEnum):
    """The word of an ACKNOWLEDGE frame, or from ``NO_SESSION`` on of an ERROR frame.

    ``GAP`` and ``UNREADABLE`` ask the host to go back to the expected frame.
    """

    EXECUTED = 0
    DUPLICATE = 1
    GAP = 2
    UNREADABLE = 3
    NO_SESSION = 4
    MALFORMED = 5


class Pong(NamedTuple):
    """Words of a PONG frame, in their order on the link.

    ``nonce`` is that of the session; ``events`` is the sequence number of the next EVENTS frame of
    the device.
    """

    magic: Any
    version: Any
    hash_low: Any
    hash_high: Any
    window: Any
    nonce: Any
    events: Any


class Frame(NamedTuple):
    """One frame: its type, its sequence number and its payload.

    Host frames count ``sequence`` modulo 256. The device puts the number it expects next there,
    and in its EVENTS frames a count of their own.
    """

    type: int
    sequence: int
    payload: bytes = b""

    @classmethod
    def of_words(cls, kind: FrameType, sequence: int, *words: Any) -> "Frame":
        """Build a frame of integers and uint32 arrays, which are sent one after the other."""
        parts = [np.atleast_1d(np.asarray(word, "<u4")).tobytes() for word in words]
        return cls(kind, sequence & 0xFF, b"".join(parts))

    @property
    def words(self) -> np.ndarray:
        """Payload as a uint32 array; bytes after the last whole word are left out."""
        whole = len(self.payload) & ~3
        return np.frombuffer(self.payload[:whole], "<u4").astype(np.uint32)

    def encode(self) -> bytes:
        """Give the frame as it goes over the link, delimiter included.

        Raises
        ------
        ValueError
            If the payload is too long.
        """
        if len(self.payload) > MAXIMUM_PAYLOAD:
            raise ValueError(
                f"Payload must not exceed {MAXIMUM_PAYLOAD} bytes, not {len(self.payload)}"
            )
        body = bytes((self.type, self.sequence)) + self.payload
        return cobs.encode(body + struct.pack(">H", checksum(body))) + bytes((DELIMITER,))

    @classmethod
    def decode(cls, block: bytes) -> "Frame | None":
        """Read the bytes between two delimiters; None if they are no frame."""
        try:
            body = cobs.decode(block)
        except cobs.DecodeError:
            return None
        if not 4 <= len(body) <= MAXIMUM_FRAME:
            return None
        whole = checksum(body[:-2]) == int.from_bytes(body[-2:], "big")
        return cls(body[0], body[1], body[2:-2]) if whole else None


class FrameReader:
    """Cuts a byte stream into frames, whatever else is in it.

    Parameters
    ----------
    None

    Attributes
    ----------
    unreadable : int
        Blocks between delimiters that were no frame.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self._pending = bytearray()

    def feed(self, received: bytes) -> list[Frame]:
        """Take the next bytes of the link, and give the frames that are complete now."""
        self._pending += received
        *blocks, rest = bytes(self._pending).split(bytes((DELIMITER,)))
        # A block this long can no more become a frame; what is left of it stays one.
        self._pending = bytearray(rest[: 2 * MAXIMUM_FRAME])
        frames = [Frame.decode(block) for block in blocks if block]
        self.unreadable += frames.count(None)
        return [frame for frame in frames if frame is not None]


def checksum(body: bytes) -> int:
    """CRC-16/GENIBUS: complemented, or zero bytes behind a frame would go unnoticed."""
    return binascii.crc_hqx(body, 0xFFFF) ^ 0xFFFF


def check_window(window: int) -> None:
    """Raise unless ``window`` is a receive buffer that the device end can have.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is no power of two from 512 to 8192.
    """
    if not isinstance(window, int):
        raise TypeError(f"Window must be an integer, not {window!r}")
    if window not in (512, 1024, 2048, 4096, 8192):
        raise ValueError(f"Window must be a power of two from 512 to 8192 bytes, not {window}")
