"""PLL settings keep the limits of the data sheets, and are those that the vendors' tools find."""

import re

import pytest

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.device import Device
from spikeloom_boards.dividers import find_dividers, limits_of

DEVICES = {board.device.part: board.device for board in BOARDS.values()}
FREQUENCIES = (12e6, 24e6, 25e6, 27e6, 48e6, 50e6, 54e6, 96e6, 100e6, 125e6, 133e6)

# What icepll, ecppll and gowin_pll print for the same question: reference, feedback, post.
KNOWN = [
    ("iCE40UP5K", 12e6, 24e6, (1, 64, 32)),
    ("iCE40UP5K", 12e6, 48e6, (1, 64, 16)),
    ("LFE5U-85F", 25e6, 100e6, (1, 4, 6)),
    ("LFE5U-25F", 48e6, 96e6, (1, 2, 6)),
    ("GW2AR-18C", 27e6, 54e6, (1, 2, 16)),
]


@pytest.mark.parametrize(("part", "source", "wanted", "setting"), KNOWN)
def test_the_setting_is_that_of_the_known_tool(
    part: str, source: float, wanted: float, setting: tuple[int, int, int]
) -> None:
    found = find_dividers(DEVICES[part], source, wanted)
    assert (found.reference, found.feedback, found.post) == setting
    assert found.output == wanted


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda d: d.part)
def test_every_setting_keeps_the_limits(device: Device) -> None:
    limits, found = limits_of(device), 0
    for source in FREQUENCIES:
        for wanted in FREQUENCIES:
            try:
                setting = find_dividers(device, source, wanted)
            except ValueError:
                continue
            found += 1
            compare = source / setting.reference
            assert setting.reference in limits.reference and setting.feedback in limits.feedback
            assert setting.post in limits.post
            assert limits.compare[0] <= compare <= limits.compare[1]
            assert limits.oscillator[0] <= setting.oscillator <= limits.oscillator[1]
            assert setting.oscillator == pytest.approx(setting.output * setting.post)
            inside = 1 if limits.post_in_loop else setting.post
            assert setting.output == pytest.approx(compare * setting.feedback / inside)
            assert setting.output == pytest.approx(wanted, rel=1e-3)
    assert found > len(FREQUENCIES)


WRONG = [
    ("iCE40UP5K", 12e6, 300e6, "cannot make 300 MHz from 12 MHz"),
    ("iCE40UP5K", 12e6, 24.1e6, "cannot make 24.1 MHz from 12 MHz; the nearest that it can is 24"),
    ("LFE5U-85F", 5e6, 100e6, "cannot make 100 MHz from 5 MHz"),
]


@pytest.mark.parametrize(("part", "source", "wanted", "sentence"), WRONG)
def test_what_a_pll_cannot_do_is_one_sentence(
    part: str, source: float, wanted: float, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^The PLL of {part} {re.escape(sentence)}( MHz)?$"):
        find_dividers(DEVICES[part], source, wanted)
