"""The device end of the host link in Python, with a memory and an echo of events behind it."""

from collections import deque
from collections.abc import Iterable

from spikeloom_hw.host.frame import (
    MAGIC,
    MAXIMUM_WORDS,
    PROTOCOL_VERSION,
    WINDOW,
    Frame,
    FrameReader,
    FrameType,
    Pong,
    Status,
)

__all__ = ["COUNTER", "STEP", "DeviceModel"]

COUNTER = 1 << 28
STEP = 1 << 31


class DeviceModel:
    """What :class:`spikeloom_hw.host.HostPort` does, with a small test load behind it.

    Writes to ``COUNTER`` add to the register there instead of setting it, so that a write that is
    done twice shows. Event words are kept until one with the bit ``STEP`` comes; then all are sent
    back. The bytes are those of the gateware if each frame is answered before the next one comes.

    Parameters
    ----------
    config_hash : int
        64-bit hash of the configuration.
    window : int
        Bytes that the host may send ahead.

    Attributes
    ----------
    memory : dict
        Word by address.
    executed : int
        Frames carried out.
    """

    def __init__(self, config_hash: int = 0, window: int = WINDOW) -> None:
        self.config_hash = config_hash
        self.window = window
        self.memory: dict[int, int] = {}
        self.executed = 0
        self._reader = FrameReader()
        self._nonce: int | None = None
        self._expected = 0
        self._gap_told = False
        self._events_sent = 0
        self._kept: deque[int] = deque()

    def feed(self, received: bytes) -> bytes:
        """Take the next bytes from the host, and give those that the device answers."""
        answers = (self._answer(entry) for entry in self._entries(received))
        return b"".join(frame.encode() for frames in answers for frame in frames)

    def _entries(self, received: bytes) -> Iterable[Frame | None]:
        """Give the frames among the bytes, and None for what is unreadable."""
        for place in range(len(received)):
            unreadable = self._reader.unreadable
            yield from self._reader.feed(received[place : place + 1])
            if self._reader.unreadable > unreadable:
                yield None

    def _answer(self, frame: Frame | None) -> list[Frame]:
        if frame is not None and frame.type == FrameType.PING and len(frame.payload) == 4:
            return [self._greet(frame)]
        status = self._judge(frame)
        asks_back = status in (Status.GAP, Status.UNREADABLE)
        if status == Status.GAP and self._gap_told:
            return []
        self._gap_told = self._gap_told or asks_back
        if status != Status.EXECUTED or frame is None:
            return [self._status(status)]
        self._gap_told = False
        self._expected = (self._expected + 1) & 0xFF
        self.executed += 1
        return self._execute(frame)

    def _greet(self, ping: Frame) -> Frame:
        nonce = int(ping.words[0])
        if nonce != self._nonce:
            self._nonce = nonce
            self._expected = (ping.sequence + 1) & 0xFF
            self._gap_told = False
        pong = Pong(
            magic=MAGIC,
            version=PROTOCOL_VERSION,
            hash_low=self.config_hash & 0xFFFFFFFF,
            hash_high=self.config_hash >> 32,
            window=self.window,
            nonce=nonce,
            events=self._events_sent,
        )
        return Frame.of_words(FrameType.PONG, self._expected, *pong)

    def _judge(self, frame: Frame | None) -> Status:
        if self._nonce is None:
            return Status.NO_SESSION
        if frame is None:
            return Status.UNREADABLE
        ahead = (frame.sequence - self._expected) & 0xFF
        if ahead:
            return Status.DUPLICATE if ahead >= 128 else Status.GAP
        size = len(frame.payload)
        fits = {
            int(FrameType.WRITE): size >= 8 and size % 4 == 0,
            int(FrameType.READ): size == 8,
            int(FrameType.EVENTS): size >= 4 and size % 4 == 0,
        }
        return Status.EXECUTED if fits.get(frame.type, False) else Status.MALFORMED

    def _execute(self, frame: Frame) -> list[Frame]:
        words = frame.words.tolist()
        if frame.type == FrameType.READ:
            address, count = words
            count = count if count <= MAXIMUM_WORDS else 0
            read = [self.memory.get((address + k) & 0xFFFFFFFF, 0) for k in range(count)]
            return [Frame.of_words(FrameType.DATA, self._expected, address, *read)]
        if frame.type == FrameType.WRITE:
            address, *values = words
            for k, value in enumerate(values):
                self._write((address + k) & 0xFFFFFFFF, value)
            return [self._status(Status.EXECUTED)]
        return [self._status(Status.EXECUTED), *self._echo(words)]

    def _write(self, address: int, value: int) -> None:
        before = self.memory.get(address, 0) if address == COUNTER else 0
        self.memory[address] = (before + value) & 0xFFFFFFFF

    def _echo(self, words: list[int]) -> Iterable[Frame]:
        for word in words:
            self._kept.append(word)
            if not word & STEP:
                continue
            while self._kept:
                count = min(len(self._kept), MAXIMUM_WORDS)
                batch = [self._kept.popleft() for _ in range(count)]
                yield Frame.of_words(FrameType.DEVICE_EVENTS, self._events_sent, *batch)
                self._events_sent = (self._events_sent + 1) & 0xFF

    def _status(self, status: Status) -> Frame:
        kind = FrameType.ACKNOWLEDGE if status < Status.NO_SESSION else FrameType.ERROR
        return Frame.of_words(kind, self._expected, status)
