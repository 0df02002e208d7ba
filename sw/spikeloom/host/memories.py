"""The memories and registers of a device, by rows and by name."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from amaranth.lib import data

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.registers import CHIP_BITS, Control, Errors, Register, regions

from ..errors import DeviceError
from .session import Session

__all__ = ["LINK_FAILED", "Memories", "Progress", "Transfer", "counters_of"]

LINK_FAILED = (
    "A link between chips of the device gave up, and the device stopped; the results were "
    "discarded: check wires and power of the chips, then restart the device"
)
_SUMMED = ("events", "synaptic_operations", "spikes", "rows_updated")

Progress = Callable[[int, int], None]
"""What is called with how much is done, and how much there is in all."""

# Words that are read or written at once: the frames that may be on their way.
_PIECE = 64 * 60


class Transfer:
    """Tells how much of a transfer is done.

    Parameters
    ----------
    total : int
        Words in all.
    progress : callable or None
        Called with words done, and words in all.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def moved(self, words: int) -> None:
        """Count words."""
        self._done += words
        if self._progress is not None:
            self._progress(self._done, self._total)


def _ignore(words: int) -> None:
    """Count nothing."""


class Memories:
    """Access to a device over a session.

    Parameters
    ----------
    session : Session
        Connected session.
    config : ChipConfig
        Configuration of the device.
    """

    def __init__(self, session: Session, config: ChipConfig) -> None:
        self._session = session
        self._regions = regions(config)
        self._chips = config.chips

    def words(self, rows: Iterable[tuple[str, int]]) -> int:
        """Count the words of so many rows of each of the memories named."""
        return sum(self._regions[name].stride * count for name, count in rows)

    def has(self, name: str) -> bool:
        """Tell whether there is a memory ``name``."""
        return name in self._regions

    def write_rows(
        self,
        name: str,
        image: np.ndarray,
        first: int = 0,
        moved: Callable[[int], None] = _ignore,
    ) -> None:
        """Write a (rows, words) uint32 array to the memory ``name``, from row ``first``.

        ``moved`` is called with the number of words, whenever some have been sent.
        """
        region = self._regions[name]
        padded = np.pad(image, ((0, 0), (0, region.stride - region.words))).ravel()
        base = region.base + first * region.stride
        for k in range(0, padded.size, _PIECE):
            piece = padded[k : k + _PIECE]
            self._session.write(base + k, piece)
            moved(piece.size)

    def write_columns(
        self,
        name: str,
        columns: Mapping[str, np.ndarray],
        first: int = 0,
        moved: Callable[[int], None] = _ignore,
    ) -> None:
        """Write rows as :meth:`write_rows` does; members of the layout not given are 0."""
        layout = self._regions[name].layout
        row: Any = layout.elem_shape if isinstance(layout, data.ArrayLayout) else layout
        names = row.members if isinstance(row, data.StructLayout) else [""]
        nothing = np.zeros_like(next(iter(columns.values())))
        whole = {member: columns.get(member, nothing) for member in names}
        self.write_rows(name, pack_rows(layout, whole), first, moved)

    def change_row(self, name: str, row: int, fields: Mapping[str, int]) -> None:
        """Change some fields of a row of the memory ``name``, which is a struct."""
        region = self._regions[name]
        columns = self.read_rows(name, row, 1)
        changed = pack_rows(region.layout, columns | {k: np.array([v]) for k, v in fields.items()})
        self._session.write(region.base + row * region.stride, changed[0])

    def read_rows(
        self, name: str, first: int, count: int, moved: Callable[[int], None] = _ignore
    ) -> dict[str, np.ndarray]:
        """Read rows of the memory ``name``, unpacked by their layout.

        ``moved`` is called with the number of words, whenever some have come.
        """
        region = self._regions[name]
        words = np.zeros(count * region.stride, np.uint32)
        base = region.base + first * region.stride
        for k in range(0, words.size, _PIECE):
            piece = words[k : k + _PIECE]
            piece[:] = self._session.read(base + k, piece.size)
            moved(piece.size)
        # What lies behind a link that gave up reads as 0.
        if self._chips > 1 and self.link_failed():
            raise DeviceError(LINK_FAILED)
        rows = words.reshape(count, region.stride)[:, : region.words]
        return unpack_rows(region.layout, rows)

    def read_steps(self) -> int:
        """Read how many steps are done since the last clear, modulo 2**32."""
        return int(self._session.read(Register.STEPS.value, 1)[0])

    def control(self, bits: Control) -> None:
        """Write the CONTROL register, and wait until it is done.

        The root passes on to the other chips what is not for its counters alone.
        """
        self._session.write(Register.CONTROL.value, np.array([bits.value], np.uint32))
        if bits & Control.ZERO_COUNTERS:
            zero = np.array([Control.ZERO_COUNTERS.value], np.uint32)
            for chip in range(1, self._chips):
                self._session.write(chip << CHIP_BITS | Register.CONTROL.value, zero)
        self._session.flush()

    def hashes(self) -> list[int]:
        """Read the hash of the configuration of each chip."""
        places = (chip << CHIP_BITS | Register.HASH_LOW.value for chip in range(self._chips))
        pairs = (self._session.read(place, 2) for place in places)
        return [int(high) << 32 | int(low) for low, high in pairs]

    def link_failed(self) -> bool:
        """Tell whether a link between chips has given up."""
        errors = self._session.read(Register.ERRORS.value, 1)
        return bool(Errors(int(errors[0])) & Errors.LINK_ERR)

    def take_errors(self) -> list[Errors]:
        """Read the sticky error bits of each chip, and clear those that can be cleared.

        If a link has given up, the root says so, and the others cannot be asked.
        """
        found = []
        for chip in range(self._chips):
            place = chip << CHIP_BITS | Register.ERRORS.value
            errors = self._session.read(place, 1)
            found.append(Errors(int(errors[0])))
            if errors[0]:
                self._session.write(place, errors)
            if found[0] & Errors.LINK_ERR:
                break
        return found

    def counters(self) -> dict[str, int]:
        """Read the performance counters, added up over the chips; cycles are those of the root."""
        first, last = Register.EVENTS_IN, Register.ROWS
        places = (chip << CHIP_BITS | first.value for chip in range(self._chips))
        return counters_of(*(self._session.read(place, last - first + 1) for place in places))


def counters_of(root: np.ndarray, *others: np.ndarray) -> dict[str, int]:
    """Name the registers from EVENTS_IN to ROWS of the root; add the work of other chips."""
    counters = _named(root)
    for words in others:
        more = _named(words)
        counters |= {name: counters[name] + more[name] for name in _SUMMED}
    return counters


def _named(words: np.ndarray) -> dict[str, int]:
    def value(register: Register) -> int:
        return int(words[register - Register.EVENTS_IN])

    return {
        "events": value(Register.EVENTS_IN),
        "synaptic_operations": value(Register.SYNAPTIC_LOW) | value(Register.SYNAPTIC_HIGH) << 32,
        "spikes": value(Register.SPIKES),
        "events_to_host": value(Register.EVENTS_OUT),
        "cycles_integrate": value(Register.CYCLES_INTEGRATE),
        "cycles_update": value(Register.CYCLES_UPDATE),
        "cycles_control": value(Register.CYCLES_CONTROL),
        "cycles": value(Register.CYCLES),
        "rows_updated": value(Register.ROWS),
    }
