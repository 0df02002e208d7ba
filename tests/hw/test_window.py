import re

import pytest

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.header import c_header
from spikeloom_hw.registers import CHIP_BITS, FABRIC, Register, regions
from spikeloom_hw.window import Window
from spikeloom_sim.structures import LEARNING, STRUCTURES

CONFIGS = {name: ChipConfig(core) for name, core in STRUCTURES.items()}
CONFIGS |= {"learning": ChipConfig(LEARNING), "default": ChipConfig()}


def back(window: Window, offset: int) -> int:
    """Word at a byte offset, by the rule of the guide: the bits of the map that are used."""
    used = 31
    for region in (r for n, r in regions(window.config).items() if n in window.memories):
        used |= region.base | ((1 << (region.rows * region.stride - 1).bit_length()) - 1)
    places = [k for k in range(32) if used >> k & 1]
    return sum((offset >> 2 + bit & 1) << place for bit, place in enumerate(places))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_window_has_every_word_at_a_place_of_its_own(name: str) -> None:
    config = CONFIGS[name]
    window = Window(config)
    taken = {}
    for register in Register:
        assert window.registers[register.name] == 4 * register
        taken[4 * register] = register.name
    for memory, region in regions(config).items():
        size = region.rows * region.stride
        first = window.memories[memory]
        for word in {0, 1, size // 2, size - 1} & set(range(size)):
            # Words of a memory are neighbours.
            assert window.offset(region.base + word) == first + 4 * word
            assert back(window, first + 4 * word) == region.base + word
            assert taken.setdefault(first + 4 * word, memory) == memory
    assert max(taken) < 1 << window.bits <= 1 << 28


def test_a_small_accelerator_has_a_small_window() -> None:
    small = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=32, neuron_rows=4))
    assert Window(small).bits == 14
    assert Window(small, without=FABRIC).bits == 13


def test_the_window_of_a_tree_has_the_registers_of_every_chip() -> None:
    config = ChipConfig(cores=2, parents=(0, 0, 1))
    window = Window(config)
    assert len(window.registers) == config.chips * len(Register)
    for chip in range(1, config.chips):
        for register in Register:
            place = window.registers[f"{register.name}@{chip}"]
            assert place == window.offset((chip << CHIP_BITS) + register)
    places = [*window.registers.values(), *window.memories.values()]
    assert len(set(places)) == len(places)
    assert max(places) < 1 << window.bits


def test_what_the_window_does_not_reach_is_refused() -> None:
    window = Window(ChipConfig(), without=FABRIC)
    assert "schedule" not in window.memories
    with pytest.raises(ValueError, match=r"^The window reaches no word at address 0x01000000$"):
        window.offset(regions(ChipConfig())["schedule"].base)


def test_the_header_of_a_register_port_has_the_offsets() -> None:
    window = Window(ChipConfig())
    text = c_header(ChipConfig(), window)
    numbers = dict(re.findall(r"^#define SPIKELOOM_(\w+) (0x[0-9A-F]{8})u$", text, re.MULTILINE))
    assert len(numbers) == text.count("#define") - 1
    assert int(numbers["WINDOW_BYTES"], 16) == 1 << window.bits
    for name, offset in {**window.registers, **window.memories}.items():
        assert int(numbers[f"{name.upper()}_OFFSET"], 16) == offset
    assert "_OFFSET" not in c_header(ChipConfig())
