"""A device of several chips: each is asked, and named if it is the wrong one or has an error."""

import re
from typing import Any, cast

import numpy as np
import pytest

from spikeloom.errors import DeviceError
from spikeloom.host.chips import check_chips, check_errors
from spikeloom.host.memories import LINK_FAILED, Memories
from spikeloom.host.words import StepDecoder
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, pack
from spikeloom_hw.registers import Control, Errors, Register

CONFIG = ChipConfig(CoreConfig(), parents=(0, 0))


class Registers:
    """A session with words that are what was written, or 0."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.written: list[tuple[int, int]] = []
        for chip in range(3):
            self.words[chip << 16 | Register.HASH_LOW] = CONFIG.hash & 0xFFFFFFFF
            self.words[chip << 16 | Register.HASH_HIGH] = CONFIG.hash >> 32

    def read(self, address: int, count: int) -> np.ndarray:
        return np.array([self.words.get(address + k, 0) for k in range(count)], np.uint32)

    def write(self, address: int, words: np.ndarray) -> None:
        self.written += [(address + k, int(word)) for k, word in enumerate(words)]

    def flush(self) -> None:
        pass


@pytest.fixture
def registers() -> Registers:
    return Registers()


@pytest.fixture
def memories(registers: Registers) -> Memories:
    return Memories(cast(Any, registers), CONFIG)


def test_a_chip_of_another_configuration_is_named(registers: Registers, memories: Memories) -> None:
    check_chips(memories, CONFIG)
    registers.words[2 << 16 | Register.HASH_LOW] = 5
    registers.words[2 << 16 | Register.HASH_HIGH] = 0
    message = (
        f"Chip 2 of the device has configuration 0000000000000005, but the program is for "
        f"{CONFIG.hash:016x}: build all chips from this program"
    )
    with pytest.raises(DeviceError, match=f"^{message}$"):
        check_chips(memories, CONFIG)


def test_a_chip_with_an_error_is_named_and_its_error_cleared(
    registers: Registers, memories: Memories
) -> None:
    check_errors(memories)
    place = 1 << 16 | Register.ERRORS
    registers.words[place] = Errors.BAD_SOURCE.value
    message = "Chip 1 of the device reported <Errors.BAD_SOURCE: 1>; the results were discarded"
    with pytest.raises(DeviceError, match=f"^{message}$"):
        check_errors(memories)
    assert registers.written == [(place, Errors.BAD_SOURCE.value)]


def test_nothing_is_believed_that_was_read_behind_a_link_that_gave_up(
    registers: Registers, memories: Memories
) -> None:
    registers.words[Register.ERRORS] = Errors.LINK_ERR.value
    for ask in (
        lambda: check_errors(memories),
        lambda: check_chips(memories, CONFIG),
        lambda: memories.read_rows("weights@1", 0, 2),
    ):
        with pytest.raises(DeviceError, match=f"^{LINK_FAILED}$"):
            ask()


def test_counters_are_zeroed_and_added_up_over_the_chips(
    registers: Registers, memories: Memories
) -> None:
    memories.control(Control.ZERO_COUNTERS)
    zero = Control.ZERO_COUNTERS.value
    assert registers.written == [(chip << 16 | Register.CONTROL, zero) for chip in range(3)]
    for chip in range(3):
        registers.words[chip << 16 | Register.SPIKES] = 10**chip
        registers.words[chip << 16 | Register.CYCLES] = 7 + chip
    counters = memories.counters()
    assert (counters["spikes"], counters["cycles"]) == (111, 7)


def test_the_word_of_a_link_that_gave_up_ends_a_run() -> None:
    decoder = StepDecoder((), 2, 0)
    decoder.feed(np.array([pack(Kind.STEP, 0, 0), 0], np.uint32))
    message = (
        "The link between chip 2 and the one above it gave up, and the device stopped; check wires "
        "and power of the chips, then restart the device"
    )
    with pytest.raises(DeviceError, match=f"^{re.escape(message)}$"):
        decoder.feed(np.array([pack(Kind.END, 2, 0)], np.uint32))
