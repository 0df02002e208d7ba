"""How host and device agree on the rate of a serial line, and test it."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np

from spikeloom_hw.host.frame import DELIMITER, MAXIMUM_WORDS, Frame, FrameReader, FrameType, Status

from ..errors import LinkError

__all__ = ["RATES", "Line", "RateError", "negotiate", "probe"]

RATES = (3_000_000, 2_000_000, 1_000_000, 921_600, 500_000, 460_800, 230_400, 115_200)
BREAK_BAUD = 9600
# A byte of the break takes a millisecond on the line, and adapters are slow to send it.
BREAK_SECONDS = 0.02
SYNC = b"\x55"
SYNC_SECONDS = 0.002
TRIES = 2
# Full frames of random words that must come through before a rate is taken.
ROUNDS = 4
# Rates below this get more time, in proportion; and so does a device that has answered once.
SLOW = 500_000
GRACE = 8

Outcome = Literal["good", "bad", "silent"]


class RateError(ValueError):
    """A rate that a port or its adapter cannot do."""


class Line(Protocol):
    """A serial port whose rate can be changed."""

    def set_baud(self, baud: int) -> None:
        """Change the rate; raises RateError if that cannot be."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def drain(self) -> None:
        """Wait until the port has handed over all bytes."""
        ...

    def discard(self) -> None:
        """Forget what has come."""
        ...

    def read(self, timeout: float) -> bytes:
        """Wait for bytes."""
        ...


def negotiate(
    line: Line, name: str, rates: Sequence[int], wait: float, ping: Frame | None = None
) -> int:
    """Give the device the first of some rates at which frames come through in both directions.

    Parameters
    ----------
    line : Line
        Port to the device.
    name : str
        Name of the port, for people.
    rates : sequence of int
        Bits a second, to be tried in this order.
    wait : float
        Seconds to wait for each answer.
    ping : Frame or None
        PING of a session that is to go on; by default a new one for each try.

    Returns
    -------
    int
        The rate, which line and device have now.

    Raises
    ------
    LinkError
        If the line fails, or there is no such rate.
    """
    tried, heard = [], False
    for rate in rates:
        for _ in range(TRIES):
            try:
                _propose(line, rate)
            except RateError:
                break
            tried.append(rate)
            outcome = probe(line, wait * max(1.0, SLOW / rate), ping)
            if outcome == "good":
                return rate
            heard = heard or outcome == "bad"
    several = f"any of {_list(rates)} baud" if len(rates) > 1 else f"{rates[0]} baud"
    if not tried:
        raise LinkError(f"Serial port {name} cannot do {several}: use another adapter")
    if heard:
        raise LinkError(
            f"The device on {name} answers, but the line garbles frames at {several}: "
            "check cable and ground"
        )
    raise LinkError(
        f"No device answers on {name} at {several}: check the port and the power of the board, and "
        "program it again, as an FPGA that lost power has lost its configuration"
    )


def probe(line: Line, wait: float, ping: Frame | None = None) -> Outcome:
    """Tell whether a device answers at the rate of the line, and frames come through unharmed.

    The device is sent frames that it has seen before, so it checks them and does nothing else.

    Returns
    -------
    str
        "good", "bad" if something was lost or garbled, "silent" if there was no answer.
    """
    if ping is None:
        ping = Frame.of_words(FrameType.PING, 0, secrets.randbits(32))
    asked = bytes((DELIMITER,)) + ping.encode()
    listener = _Listener(line, wait)
    line.write(asked)
    pong = listener.await_frame(lambda frame: _is_pong(frame, ping))
    if pong is None:
        return "bad" if listener.readable else "silent"
    listener.trust()
    seen = (pong.sequence - 1) & 0xFF
    words = np.frombuffer(secrets.token_bytes(4 * MAXIMUM_WORDS * ROUNDS), "<u4")
    for part in words.reshape(ROUNDS, MAXIMUM_WORDS):
        line.write(Frame.of_words(FrameType.EVENTS, seen, part).encode() + asked)
        for expects in (_is_duplicate, lambda frame: _is_pong(frame, ping)):
            if listener.await_frame(expects) is None or listener.faults:
                return "bad"
    return "good"


def _propose(line: Line, rate: int) -> None:
    """Tell the device a rate: a break, and then a byte that it measures."""
    # The rate is tried first, so that no break goes out for one that the port does not have.
    line.set_baud(rate)
    line.set_baud(BREAK_BAUD)
    line.write(b"\0")
    line.drain()
    time.sleep(BREAK_SECONDS)
    line.set_baud(rate)
    line.write(SYNC)
    line.drain()
    time.sleep(SYNC_SECONDS)
    line.discard()


class _Listener:
    """Waits for frames, and counts what is unreadable, here and at the device."""

    def __init__(self, line: Line, wait: float) -> None:
        self._line = line
        self._wait = wait
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._forgotten = 0
        self._refused = 0
        self.readable = False

    @property
    def faults(self) -> int:
        """Frames that were unreadable at either end since :meth:`trust`."""
        return self._reader.unreadable - self._forgotten + self._refused

    def trust(self) -> None:
        """Begin to count faults, as the device has the rate; and wait longer for what it says."""
        self._forgotten, self._refused = self._reader.unreadable, 0
        self._wait *= GRACE

    def await_frame(self, expected: Callable[[Frame], bool]) -> Frame | None:
        """Give the next frame of a kind, or None if none comes in time; drop the others."""
        deadline = time.monotonic() + self._wait
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                self.readable = True
                self._refused += _is_unreadable(frame)
                if expected(frame):
                    return frame
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._frames += self._reader.feed(self._line.read(left))


def _is_pong(frame: Frame, ping: Frame) -> bool:
    # The nonce stands in the sixth of seven words.
    return frame.type == FrameType.PONG and frame.payload[20:24] == ping.payload


def _is_duplicate(frame: Frame) -> bool:
    return _status(frame) == Status.DUPLICATE


def _is_unreadable(frame: Frame) -> bool:
    return _status(frame) == Status.UNREADABLE


def _status(frame: Frame) -> int | None:
    if frame.type != FrameType.ACKNOWLEDGE or len(frame.payload) != 4:
        return None
    return int(frame.words[0])


def _list(rates: Sequence[int]) -> str:
    return ", ".join(str(rate) for rate in rates[:-1]) + f" and {rates[-1]}"
