"""Frames to a device and back: each is carried out once and in order, or an error says so."""

import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from spikeloom_hw.host.frame import (
    DELIMITER,
    Frame,
    FrameReader,
    FrameType,
    Pong,
    Status,
)

from ..errors import LinkError
from .greeting import Greeting, ResetError
from .in_flight import InFlight, Sent
from .patience import Patience, Retry
from .transport import Transport

__all__ = ["Conversation"]


class Conversation:
    """Frames of a :class:`~spikeloom.host.session.Session`, which tells what it promises."""

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
        self._begin()

    def _begin(self) -> None:
        """Forget all of a former session."""
        self._retry = Retry(self._patience, self._clock)
        self._reader = FrameReader()
        self._in_flight = InFlight()
        self._events: list[np.ndarray] = []
        self._events_expected = 0
        self._greeting = Greeting()
        self._resuming = False
        self.vanished = False

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
        self._failure = None
        self._nudge()
        while self._greeting.pong is None:
            self._pump(self._patience.seconds)

    def resume(self, reopen: Callable[[Frame], Transport]) -> bool:
        """Go on over another transport, in place of one that has failed.

        If the device has kept its power, and no other host has come, then what was sent before is
        still carried out once and in order.

        Parameters
        ----------
        reopen : callable
            Gives the transport. It gets a PING, and must send no other.

        Returns
        -------
        bool
            Whether the device still has the session. If so, the next call says whether event words
            were lost; if not, nothing has happened, and ``connect`` starts anew.

        Raises
        ------
        LinkError
            If there is no link, or the device does not answer.
        """
        self._transport.close()
        ping = self._greeting.ping(self._in_flight.next_sequence)
        self._transport = reopen(ping)
        if self._greeting.pong is None:
            return False
        self._failure, self._resuming, self.vanished = None, True, False
        self._reader = FrameReader()
        self._retry.restart()
        self._nudge()
        try:
            while self._resuming:
                self._pump(self._patience.seconds)
        except ResetError:
            return False
        except LinkError:
            if self._resuming:
                raise
            return True
        if self._in_flight.frames:
            self._nudge()
        return True

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
        if not frames or self._resuming:
            frames = [self._greeting.ping(self._in_flight.next_sequence).encode()]
        self._put(bytes((DELIMITER,)) + b"".join(frames))

    def _take(self, frame: Frame) -> None:
        """Act on a frame of the device; until the session has begun they are of a former one."""
        if frame.type == FrameType.PONG:
            self._take_pong(frame)
        elif self._greeting.pong is None:
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
            if frame.words[:1].tolist() == [Status.NO_SESSION]:
                self._fail("The device was reset and lost the session: connect again", ResetError)
            self._fail("The device refused a frame as malformed: host and device differ in version")

    def _take_pong(self, frame: Frame) -> None:
        try:
            pong = self._greeting.read(frame)
        except LinkError as error:
            self._fail(str(error), type(error))
        if pong is None:
            return
        if self._resuming:
            self._resuming = False
            self._acknowledge(frame.sequence)
        if self._greeting.pong is None:
            self._events_expected = pong.events & 0xFF
        elif self._events_expected != pong.events & 0xFF:
            self._fail_events()
        self._greeting.pong = pong
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
        if self._failure is not None or self._greeting.pong is None:
            raise LinkError(self._failure or "The session is not connected: call connect first")
        return self._greeting.pong

    def _put(self, data: bytes) -> None:
        try:
            self._transport.write(data)
        except LinkError as error:
            self._failure, self.vanished = str(error), True
            raise

    def _receive(self, timeout: float) -> bytes:
        try:
            return self._transport.read(timeout)
        except LinkError as error:
            self._failure, self.vanished = str(error), True
            raise

    def _fail_events(self) -> NoReturn:
        self._fail("Event words of the device were lost on the link: connect again and run again")

    def _fail(self, message: str, kind: type[LinkError] = LinkError) -> NoReturn:
        self._failure = message
        raise kind(message)
