"""The memories and registers of a device, by rows and by name."""

from collections.abc import Mapping

import numpy as np

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.registers import Control, Errors, Register, regions

from .session import Session

__all__ = ["Memories", "counters_of"]


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

    def write_rows(self, name: str, image: np.ndarray) -> None:
        """Write a (rows, words) uint32 array to the memory ``name``, from row 0."""
        region = self._regions[name]
        padded = np.pad(image, ((0, 0), (0, region.stride - region.words)))
        self._session.write(region.base, padded.ravel())

    def change_row(self, name: str, row: int, fields: Mapping[str, int]) -> None:
        """Change some fields of a row of the memory ``name``, which is a struct."""
        region = self._regions[name]
        columns = self.read_rows(name, row, 1)
        changed = pack_rows(region.layout, columns | {k: np.array([v]) for k, v in fields.items()})
        self._session.write(region.base + row * region.stride, changed[0])

    def read_rows(self, name: str, first: int, count: int) -> dict[str, np.ndarray]:
        """Read rows of the memory ``name``, unpacked by their layout."""
        region = self._regions[name]
        words = self._session.read(region.base + first * region.stride, count * region.stride)
        rows = words.reshape(count, region.stride)[:, : region.words]
        return unpack_rows(region.layout, rows)

    def control(self, bits: Control) -> None:
        """Write the CONTROL register, and wait until it is done."""
        self._session.write(Register.CONTROL.value, np.array([bits.value], np.uint32))
        self._session.flush()

    def take_errors(self) -> Errors:
        """Read the sticky error bits, and clear them."""
        errors = self._session.read(Register.ERRORS.value, 1)
        if errors[0]:
            self._session.write(Register.ERRORS.value, errors)
        return Errors(int(errors[0]))

    def counters(self) -> dict[str, int]:
        """Read the performance counters."""
        first, last = Register.EVENTS_IN, Register.ROWS
        return counters_of(self._session.read(first.value, last - first + 1))


def counters_of(words: np.ndarray) -> dict[str, int]:
    """Name the registers from EVENTS_IN to ROWS."""

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
