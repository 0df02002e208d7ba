"""The host's half of the session: accesses and event words, in order and each once."""

from typing import Any

import numpy as np

from spikeloom_hw.host.frame import MAXIMUM_WORDS, FrameType

from .conversation import Conversation
from .in_flight import Sent, as_words, check_address

__all__ = ["Session"]

MAXIMUM_REREADS = 8


class Session(Conversation):
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

    Attributes
    ----------
    vanished : bool
        Whether the transport has failed, which another one may help.
    """

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

    def _answer(self, sent: Sent) -> np.ndarray:
        """Wait for the answer to a READ, and ask anew if only the answer was lost."""
        for _ in range(MAXIMUM_REREADS):
            while not sent.done:
                self._pump(self._patience.seconds)
            if sent.answer is not None:
                return sent.answer
            sent = self._send(FrameType.READ, sent.frame.words)
        self._fail(f"The link lost the answer to a read {MAXIMUM_REREADS} times: check the cable")
