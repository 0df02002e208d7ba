"""The top of a design: what the host reaches the hardware by."""

from amaranth.lib import wiring

from .chip import Chip, SerialChip
from .config import ChipConfig
from .interchip.parallel import ClockedLine, ParallelLine
from .interchip.serial import SerialLine
from .tree.link_end import Line
from .tree.linked import LinkedChip
from .tree.node import Node
from .validate import check_choice
from .wrap.accelerator import Accelerator
from .wrap.port import PORTS

__all__ = ["LINES", "LINKS", "branches_of", "top_of"]

LINKS = ("bytes", "uart", *PORTS)
"""Ways to reach the hardware."""

LINES: dict[str, Line] = {"parallel": ParallelLine, "clocked": ClockedLine, "serial": SerialLine}
"""Forms of the links between chips."""


def top_of(
    config: ChipConfig,
    link: str,
    divisor: float | None = None,
    break_cycles: int | None = None,
    line: Line | None = None,
) -> wiring.Component:
    """Choose a top, as :func:`spikeloom_hw.emit.emit` takes its parameters.

    Raises
    ------
    ValueError
        If there is no such link, or ``divisor`` or ``line`` is missing or has no meaning for it.
    """
    check_choice("Link", link, LINKS)
    if config.parents and link == "uart":
        raise ValueError(
            "The root of several chips has link 'bytes', 'axi' or 'wishbone', not 'uart'"
        )
    if line is not None and not config.parents:
        raise ValueError("Line must not be given for one chip, which has no other to be joined to")
    if link == "uart":
        if divisor is None:
            raise ValueError(
                "Divisor must be given for link 'uart': clock frequency over baud rate"
            )
        return SerialChip(config, divisor, break_cycles)
    if divisor is not None:
        raise ValueError(f"Divisor must not be given for link {link!r}, not {divisor!r}")
    chip = Chip(config) if link == "bytes" else Accelerator(config, link)
    if not config.parents:
        return chip
    return (LinkedChip if link == "bytes" else Node)(config, 0, line or ParallelLine, chip)


def branches_of(
    config: ChipConfig, link: str = "bytes", line: Line | None = None
) -> list[wiring.Component]:
    """Give the chips that are not the root, with links of the form that ``line`` makes."""
    kind = LinkedChip if link == "bytes" else Node
    return [kind(config, chip, line or ParallelLine) for chip in range(1, config.chips)]
