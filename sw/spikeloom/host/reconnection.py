"""What becomes of a device whose link was cut, and how to wait for the link to come back."""

import time
from collections.abc import Callable
from enum import Enum

from spikeloom_hw.host.frame import Frame

from ..errors import LinkError
from .conversation import Conversation
from .transport import Transport

__all__ = ["Reopen", "Resumption", "resume_within"]

Reopen = Callable[[Frame], Transport]
"""Opens the transport of a link anew, and sends no PING but the one given."""

_PAUSE = 0.25


class Resumption(Enum):
    """What a device still had when its link came back."""

    CONTINUED = "the device kept program and state, and went on where it was"
    INTERRUPTED = "the device kept its program; a run was cut, so its state was cleared"
    RELOADED = "the device was reset; its program was loaded again, and its state is cleared"


def resume_within(session: Conversation, reopen: Reopen, seconds: float) -> bool:
    """Wait until the link is there again, and go on with the session.

    Parameters
    ----------
    session : Conversation
        Session whose link was cut.
    reopen : callable
        Opens the transport.
    seconds : float
        How long to try.

    Returns
    -------
    bool
        Whether the device has kept the session, see :meth:`Conversation.resume`.

    Raises
    ------
    LinkError
        If the link does not come back in time; the message says what was wrong last.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return session.resume(reopen)
        except LinkError as error:
            if time.monotonic() >= deadline:
                raise LinkError(
                    f"The link did not come back in {seconds:g} seconds. {error}"
                ) from error
        time.sleep(_PAUSE)
