"""The top of a design: what the host reaches the hardware by."""

from amaranth.lib import wiring

from .chip import Chip, SerialChip
from .config import ChipConfig
from .validate import check_choice
from .wrap.accelerator import Accelerator
from .wrap.port import PORTS

__all__ = ["LINKS", "top_of"]

LINKS = ("bytes", "uart", *PORTS)
"""Ways to reach the hardware."""


def top_of(
    config: ChipConfig, link: str, divisor: float | None = None, break_cycles: int | None = None
) -> wiring.Component:
    """Choose a top, as :func:`spikeloom_hw.emit.emit` takes its parameters.

    Raises
    ------
    ValueError
        If there is no such link, or ``divisor`` is missing or has no meaning for it.
    """
    check_choice("Link", link, LINKS)
    if link == "uart":
        if divisor is None:
            raise ValueError(
                "Divisor must be given for link 'uart': clock frequency over baud rate"
            )
        return SerialChip(config, divisor, break_cycles)
    if divisor is not None:
        raise ValueError(f"Divisor must not be given for link {link!r}, not {divisor!r}")
    return Chip(config) if link == "bytes" else Accelerator(config, link)
