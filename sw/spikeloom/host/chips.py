"""What is asked of each chip of a device: whether it is the right one, and whether it is well."""

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.registers import Errors

from ..errors import DeviceError
from .memories import LINK_FAILED, Memories

__all__ = ["check_chips", "check_errors"]


def check_chips(memories: Memories, config: ChipConfig) -> None:
    """Raise DeviceError if a chip behind the root is missing, or is another one."""
    if config.chips == 1:
        return
    hashes = memories.hashes()
    if memories.link_failed():
        raise DeviceError(LINK_FAILED)
    for chip, found in enumerate(hashes):
        if found != config.hash:
            raise DeviceError(
                f"Chip {chip} of the device has configuration {found:016x}, but the program is for "
                f"{config.hash:016x}: build all chips from this program"
            )


def check_errors(memories: Memories) -> None:
    """Raise DeviceError if a chip found fault with what it was sent, or a link gave up."""
    found = memories.take_errors()
    for chip, errors in enumerate(found):
        if errors & Errors.LINK_ERR:
            raise DeviceError(LINK_FAILED)
        if errors:
            who = f"Chip {chip} of the device" if len(found) > 1 else "The device"
            raise DeviceError(f"{who} reported {errors!r}; the results were discarded")
