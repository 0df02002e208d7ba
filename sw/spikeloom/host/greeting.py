"""How a session begins, and how it is known again: PING and PONG."""

import secrets

from spikeloom_hw.host.frame import MAGIC, PROTOCOL_VERSION, Frame, FrameType, Pong

from ..errors import LinkError

__all__ = ["Greeting", "ResetError"]

# Twice as far ahead as the last frame on its way can be.
MARK = 127


class ResetError(LinkError):
    """A device that has lost the session, as after a reset."""


class Greeting:
    """The PINGs of one session, and what the device answers to them.

    The first one opens the session. Those after it carry a number far ahead of all frames: a device
    that knows the session does not care, and one that does not know it tells that number back.

    Attributes
    ----------
    pong : Pong or None
        What the device told last; None before the session has begun.
    """

    def __init__(self) -> None:
        self.pong: Pong | None = None
        self._nonce = secrets.randbits(32)
        self._mark: int | None = None

    def ping(self, next_sequence: int) -> Frame:
        """Give the PING to send when ``next_sequence`` is the number of the next frame."""
        if self.pong is not None:
            self._mark = (next_sequence + MARK) & 0xFF
        return Frame.of_words(FrameType.PING, self._mark or 0, self._nonce)

    def read(self, frame: Frame) -> Pong | None:
        """Read a PONG; None if it is of another session.

        Raises
        ------
        ResetError
            If the device has forgotten the session.
        LinkError
            If the device speaks another protocol.
        """
        words = frame.words.tolist()
        if len(words) != len(Pong._fields) or Pong(*words).nonce != self._nonce:
            return None
        pong = Pong(*words)
        if (pong.magic, pong.version) != (MAGIC, PROTOCOL_VERSION):
            raise LinkError(
                f"The device speaks protocol {pong.magic:08x} version {pong.version}, "
                f"not {MAGIC:08x} version {PROTOCOL_VERSION}: build it anew with this version"
            )
        if self._mark is not None and frame.sequence == (self._mark + 1) & 0xFF:
            raise ResetError("The device was reset and lost the session: connect again")
        return pong
