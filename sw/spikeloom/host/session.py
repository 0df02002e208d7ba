"""The host's half of the session: all is carried out once and in order, or an error says so."""

import secrets
import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from spikeloom_hw.host.frame import (
    DELIMITER,
    MAGIC,
    MAXIMUM_WORDS,
    PROTOCOL_VERSION,
    Frame,
    FrameReader,
    FrameType,
    Pong,
    Status,
)

from ..errors import LinkError
from .in_flight import InFlight, Sent, as_words, check_address
from .patience import Patience, Retry
from .transport import Transport

__all__ = ["Session"]

MAXIMUM_REREADS = 8


class Session:
    """Accesses and event words over a link that may lose, garble, repeat or delay bytes.

    What was sent is carried out once and in order. Frames are sent again until the device
    acknowledges them; when it stays silent for too long, or when event words of the device were
    lost, every call raises the same LinkError until ``connect`` succeeds again. All calls read what
    the device sends, so the two ends cannot wait for each other.

    Parameters
    ----------
    transport : Transport
        Carries the bytes.
    patience : Patience
        When to ask again, and when to give up.
    clock : callable
        Time in seconds.
    """

    def __init__(
        self,
        transport: Transport,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._patience = Patience() if patience is None else patience
        self._clock = clock
        self._failure: str | None = "The session is not connected: call connect first"
        self._pong: Pong | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget all of a former session."""
        self._retry = Retry(self._patience, self._clock)
        self._reader = FrameReader()
        self._in_flight = InFlight()
        self._events: list[np.ndarray] = []
        self._events_expected = 0
        self._nonce = secrets.randbits(32)

    @property
    def config_hash(self) -> int:
        """64-bit hash of the configuration of the device."""
        pong = self._connected()
        return int(pong.hash_high) << 32 | int(pong.hash_low)

    @property
    def window(self) -> int:
        """Bytes that the device can take ahead."""
        return int(self._connected().window)

    def connect(self) -> None:
        """Start a session, whatever state the device and the link are in.

        Raises
        ------
        LinkError
            If no device answers, or one that speaks another protocol.
        """
        self._begin()
        self._pong = self._failure = None
        self._nudge()
        while self._pong is None:
            self._pump(self._patience.seconds)

    def write(self, address: int, words: Any) -> None:
        """Write consecutive words; returns as soon as they may be sent.

        Parameters
        ----------
        address : int
            Where the first word goes; addresses count words.
        words : (count,) integer array
            32-bit unsigned words.
        """
        values = as_words(words)
        check_address(address, values.size)
        for k in range(0, values.size, MAXIMUM_WORDS):
            self._send(FrameType.WRITE, address + k, values[k : k + MAXIMUM_WORDS])

    def read(self, address: int, count: int) -> np.ndarray:
        """Read consecutive words, after all that was sent before.

        Returns
        -------
        (count,) uint32 array
            The words.
        """
        check_address(address, count)
        sizes = [min(MAXIMUM_WORDS, count - k) for k in range(0, count, MAXIMUM_WORDS)]
        places = [address + k for k in range(0, count, MAXIMUM_WORDS)]
        asked = [self._send(FrameType.READ, *chunk) for chunk in zip(places, sizes, strict=True)]
        answers = [self._answer(sent) for sent in asked]
        return np.concatenate([np.zeros(0, np.uint32), *answers])

    def send_events(self, words: Any) -> None:
        """Send event words, in order with the writes; returns as soon as they may be sent."""
        values = as_words(words)
        for k in range(0, values.size, MAXIMUM_WORDS):
            self._send(FrameType.EVENTS, values[k : k + MAXIMUM_WORDS])

    def receive_events(self, timeout: float) -> np.ndarray:
        """Give the event words that came, waiting up to ``timeout`` seconds for the first.

        Returns
        -------
        (count,) uint32 array
            Empty if none came in time.
        """
        self._connected()
        deadline = self._clock() + timeout
        while True:
            left = deadline - self._clock()
            self._pump(0.0 if self._events else max(0.0, left))
            if self._events or left <= 0.0:
                break
        received = np.concatenate([np.zeros(0, np.uint32), *self._events])
        self._events.clear()
        return received

    def flush(self) -> None:
        """Wait until all that was sent has been carried out."""
        self._connected()
        while self._in_flight.frames:
            self._pump(self._patience.seconds)

    def close(self) -> None:
        """Close the transport."""
        self._failure = "The session was closed"
        self._transport.close()

    def _send(self, kind: FrameType, *words: Any) -> Sent:
        """Send one frame as soon as the device has room for it."""
        window = self.window
        frame = Frame.of_words(kind, self._in_flight.next_sequence, *words)
        sent = Sent(frame, frame.encode())
        while not self._in_flight.has_room(sent, window):
            self._pump(self._patience.seconds)
        if not self._in_flight.frames:
            self._retry.restart()
        self._in_flight.push(sent)
        self._put(sent.encoded)
        return sent

    def _answer(self, sent: Sent) -> np.ndarray:
        """Wait for the answer to a READ, and ask anew if only the answer was lost."""
        for _ in range(MAXIMUM_REREADS):
            while not sent.done:
                self._pump(self._patience.seconds)
            if sent.answer is not None:
                return sent.answer
            sent = self._send(FrameType.READ, sent.frame.words)
        self._fail(f"The link lost the answer to a read {MAXIMUM_REREADS} times: check the cable")

    def _pump(self, timeout: float) -> None:
        """Take what the device sent, waiting for it; ask again if it has been silent too long."""
        if self._failure is not None:
            raise LinkError(self._failure)
        received = self._receive(min(timeout, self._retry.left))
        for frame in self._reader.feed(received):
            self._take(frame)
        if self._retry.left > 0.0:
            return
        if not self._retry.again():
            self._fail(
                f"The device does not answer for {self._patience.seconds:g} seconds: "
                "check its power, its clock and the link"
            )
        self._nudge()

    def _nudge(self) -> None:
        """Send again what has not been answered, behind a delimiter that ends what is cut."""
        frames = [sent.encoded for sent in self._in_flight.frames]
        if not frames:
            frames = [Frame.of_words(FrameType.PING, 0, self._nonce).encode()]
        self._put(bytes((DELIMITER,)) + b"".join(frames))

    def _take(self, frame: Frame) -> None:
        """Act on a frame of the device; until the session has begun they are of a former one."""
        if frame.type == FrameType.PONG:
            self._take_pong(frame)
        elif self._pong is None:
            return
        elif frame.type == FrameType.DEVICE_EVENTS:
            self._take_events(frame)
        elif frame.type == FrameType.DATA:
            self._in_flight.answer(frame)
            self._acknowledge(frame.sequence)
        elif frame.type == FrameType.ACKNOWLEDGE:
            fresh = self._acknowledge(frame.sequence)
            asks_back = frame.words[:1].tolist() in ([Status.GAP], [Status.UNREADABLE])
            if fresh and asks_back and self._in_flight.frames:
                self._nudge()
        elif frame.type == FrameType.ERROR:
            lost = frame.words[:1].tolist() == [Status.NO_SESSION]
            cause = "was reset and lost the session: connect again"
            refused = "refused a frame as malformed: host and device differ in version"
            self._fail(f"The device {cause if lost else refused}")

    def _take_pong(self, frame: Frame) -> None:
        words = frame.words.tolist()
        if len(words) != len(Pong._fields) or Pong(*words).nonce != self._nonce:
            return
        pong = Pong(*words)
        if (pong.magic, pong.version) != (MAGIC, PROTOCOL_VERSION):
            self._fail(
                f"The device speaks protocol {pong.magic:08x} version {pong.version}, "
                f"not {MAGIC:08x} version {PROTOCOL_VERSION}: build it anew with this version"
            )
        if self._pong is None:
            self._events_expected = pong.events & 0xFF
        elif self._events_expected != pong.events & 0xFF:
            self._fail_events()
        self._pong = pong
        if not self._in_flight.frames:
            self._retry.restart()

    def _take_events(self, frame: Frame) -> None:
        ahead = (frame.sequence - self._events_expected) & 0xFF
        if ahead >= 128:
            return
        if ahead:
            self._fail_events()
        self._events_expected = (self._events_expected + 1) & 0xFF
        self._events.append(frame.words)
        self._retry.restart()

    def _acknowledge(self, sequence: int) -> bool:
        """Drop the frames before the one that is expected; False if the news is too old."""
        executed = self._in_flight.acknowledge(sequence)
        if executed:
            self._retry.restart()
        return executed is not None

    def _connected(self) -> Pong:
        if self._failure is not None or self._pong is None:
            raise LinkError(self._failure or "The session is not connected: call connect first")
        return self._pong

    def _put(self, data: bytes) -> None:
        try:
            self._transport.write(data)
        except LinkError as error:
            self._failure = str(error)
            raise

    def _receive(self, timeout: float) -> bytes:
        try:
            return self._transport.read(timeout)
        except LinkError as error:
            self._failure = str(error)
            raise

    def _fail_events(self) -> NoReturn:
        self._fail("Event words of the device were lost on the link: connect again and run again")

    def _fail(self, message: str) -> NoReturn:
        self._failure = message
        raise LinkError(message)
