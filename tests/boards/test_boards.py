"""Every board says the same of itself as its platform, its device and its target."""

import pytest

from spikeloom_boards.board import Board
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.device import Family
from spikeloom_boards.dividers import find_dividers
from spikeloom_boards.target import TARGETS
from spikeloom_hw.config import ChipConfig, CoreConfig

pytestmark = pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)


def test_a_board_is_found_by_the_name_of_its_target(board: Board) -> None:
    assert BOARDS[board.name] is board
    assert TARGETS[board.name] is board.target
    assert board.target.name == board.name


def test_the_platform_has_the_clock_and_the_device_of_the_board(board: Board) -> None:
    platform = board.make_platform()
    assert platform.default_clk_frequency == board.crystal
    if board.device.family is Family.GOWIN:
        assert platform.family == board.device.part
        assert platform.part.endswith(board.device.package + board.device.speed)
    else:
        assert platform.device == board.device.part
        assert getattr(platform, "speed", "") == board.device.speed


def test_the_clock_of_the_core_can_be_made(board: Board) -> None:
    if board.crystal != board.frequency:
        made = find_dividers(board.device, board.crystal, board.frequency)
        assert made.output == board.frequency


def test_a_bit_of_the_line_lasts_long_enough_to_be_read(board: Board) -> None:
    assert board.frequency / board.link.baud >= 8


def test_the_weights_have_room_in_the_memory_of_the_device(board: Board) -> None:
    assert board.weight_bits <= board.device.memory_bits
    assert board.weights_in_spram == (board.target.weight_ports == 1)
    assert board.synapses(4) == 2 * board.synapses(8)
    assert board.target.weight_rows * board.target.lanes == board.synapses(4)


def test_the_bits_of_weights_are_those_that_a_chip_keeps(board: Board) -> None:
    core = CoreConfig(lanes=8, update_lanes=1, weight_width=4, weight_rows=96)
    assert board.weights_of(ChipConfig(core)) == 96 * 8 * 4
