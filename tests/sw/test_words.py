"""What the host sends is what the arrays say, and what comes back is noticed if it is not whole."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from spikeloom.errors import LinkError
from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom_hw.event import Kind, pack, pack_values
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPopulation, PlacedSlice

HERE = (PlacedSlice(0, 0, 0, 8),)

PLAIN = PlacedPopulation("plain", 5, 0)
GRADED = PlacedPopulation("graded", 3, 1, largest=100)
PIXELS = PlacedPopulation("pixels", 12, 2, shape=(3, 2, 2), stride=4)
INPUTS = (PLAIN, GRADED, PIXELS)

SPIKES = PlacedPopulation("spikes", 12, 3, HERE, shape=(3, 2, 2), stride=8)
COUNTS = PlacedPopulation("counts", 4, 4, HERE, output=Output.COUNT, largest=31)
POTENTIALS = PlacedPopulation("potentials", 3, 5, HERE, output=Output.VALUE, largest=0)
SILENT = PlacedPopulation("silent", 2, 6, HERE, output=Output.SILENT, largest=0)
RECORDED = (SPIKES, COUNTS, POTENTIALS, SILENT)


def step(number: int, count: int) -> list[int]:
    return [pack(Kind.STEP, 0, number), count]


def valued(kind: Kind, source: int, index: int, value: int) -> list[int]:
    return [pack(kind, source, index), int(pack_values([value])[0])]


def fed(words: list[int], populations: tuple[PlacedPopulation, ...], steps: int) -> StepDecoder:
    decoder = StepDecoder(populations, steps, 0)
    decoder.feed(np.array(words, np.uint32))
    return decoder


def silence(steps: int) -> dict[str, np.ndarray]:
    return {p.name: np.zeros((steps, p.size), np.int16) for p in INPUTS}


def test_a_step_of_silence_is_one_word() -> None:
    assert encode_steps(silence(3), INPUTS).tolist() == [pack(Kind.STEP, 0, 1)] * 3


def test_the_events_of_a_step_come_before_it() -> None:
    spikes = silence(2)
    spikes["plain"][1, [0, 4]] = 1
    spikes["plain"][0, 2] = 1
    assert encode_steps(spikes, INPUTS).tolist() == [
        pack(Kind.SPIKE, 0, 2),
        pack(Kind.STEP, 0, 1),
        pack(Kind.SPIKE, 0, 0),
        pack(Kind.SPIKE, 0, 4),
        pack(Kind.STEP, 0, 1),
    ]


def test_a_graded_event_is_two_words_of_which_the_second_is_its_value() -> None:
    spikes = silence(2)
    spikes["graded"][0] = [0, -100, 7]
    spikes["plain"][0, 1] = 1
    value = (-100) % (1 << 29)
    assert encode_steps(spikes, INPUTS).tolist() == [
        pack(Kind.SPIKE, 0, 1),
        pack(Kind.GRADED, 1, 1),
        Kind.VALUE.value << 29 | value,
        pack(Kind.GRADED, 1, 2),
        Kind.VALUE.value << 29 | 7,
        *[pack(Kind.STEP, 0, 1)] * 2,
    ]


def test_an_input_of_pixels_is_named_channel_by_channel() -> None:
    spikes = silence(1)
    # Channel 2 of the pixel in line 1, column 0.
    spikes["pixels"].reshape(3, 2, 2)[2, 1, 0] = 1
    assert encode_steps(spikes, INPUTS).tolist() == [
        pack(Kind.SPIKE, 2, 2 * 4 + 2),
        pack(Kind.STEP, 0, 1),
    ]


@pytest.mark.parametrize("cut", range(13))
def test_words_fill_the_arrays_wherever_they_are_cut(cut: int) -> None:
    words = [
        pack(Kind.SPIKE, 3, 3 * 8 + 1),
        *valued(Kind.GRADED, 4, 2, 31),
        *valued(Kind.READOUT, 5, 1, -40_000),
        *step(0, 3),
        *step(1, 0),
        *valued(Kind.READOUT, 5, 0, (1 << 23) - 1),
        *step(2, 1),
    ]
    decoder = StepDecoder(RECORDED, 3, 0)
    for part in (words[:cut], words[cut:]):
        decoder.feed(np.array(part, np.uint32))
    assert decoder.done == 3
    assert decoder.spikes.keys() == {"spikes", "counts", "silent"}
    assert decoder.values.keys() == {"potentials"}
    # Channel 1 of the last pixel.
    assert np.argwhere(decoder.spikes["spikes"].reshape(3, 3, 2, 2)).tolist() == [[0, 1, 1, 1]]
    assert decoder.spikes["counts"].dtype == np.uint8
    assert decoder.spikes["counts"].tolist() == [[0, 0, 31, 0], [0] * 4, [0] * 4]
    assert decoder.values["potentials"].tolist() == [
        [0, -40_000, 0],
        [0, 0, 0],
        [(1 << 23) - 1, 0, 0],
    ]
    assert not decoder.spikes["silent"].any()


@pytest.mark.parametrize("seed", range(8))
def test_what_was_encoded_is_decoded_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = 9
    sent: dict[str, np.ndarray] = {p.name: rng.random((steps, p.size)) < 0.4 for p in INPUTS}
    sent["graded"] = sent["graded"] * rng.integers(-100, 101, (steps, 3))
    words: list[int] = []
    for number in range(steps):
        now = {name: array[number : number + 1] for name, array in sent.items()}
        # A device would send the same events, and an account in place of the step of the host.
        events = sum(int(np.count_nonzero(array)) for array in now.values())
        words += [*encode_steps(now, INPUTS)[:-1].tolist(), *step(number, events)]
    decoder = fed(words, INPUTS, steps)
    assert decoder.done == steps
    assert decoder.values["graded"].dtype == np.int64
    for name, array in (decoder.spikes | decoder.values).items():
        np.testing.assert_array_equal(array, sent[name])


def test_the_number_of_a_step_is_told_modulo_its_width() -> None:
    decoder = StepDecoder(RECORDED, 2, (1 << 20) - 1)
    decoder.feed(np.array([*step((1 << 20) - 1, 0), *step(0, 0)], np.uint32))
    assert decoder.done == 2


LOST = "; reset the device and run again"
VALUES = (
    "The device sent 2 events with a value in step 0, but not every value arrived, or more did"
    + LOST
)
FAULTS: dict[str, tuple[Callable[[list[int]], object], str]] = {
    "spike lost": (
        lambda words: words.pop(0),
        f"The device sent 3 events in step 0, but 2 arrived{LOST}",
    ),
    "spike doubled": (
        lambda words: words.insert(0, words[0]),
        f"The device sent 3 events in step 0, but 4 arrived{LOST}",
    ),
    "value lost": (
        lambda words: words.pop(2),
        VALUES,
    ),
    "value doubled": (
        lambda words: words.insert(2, words[2]),
        VALUES,
    ),
    "value before its event": (
        lambda words: words.insert(1, words.pop(2)),
        VALUES,
    ),
    "event lost whose value came": (
        lambda words: words.pop(1),
        f"The device sent 3 events in step 0, but 2 arrived{LOST}",
    ),
    "event and value lost": (
        lambda words: [words.pop(1), words.pop(1)],
        f"The device sent 3 events in step 0, but 2 arrived{LOST}",
    ),
    "step lost": (
        lambda words: [words.pop(5), words.pop(5)],
        f"The device reported step 1, but step 0 was due{LOST}",
    ),
    "step doubled": (
        lambda words: words.extend(step(1, 0)),
        f"The device reported step 1, but step 2 was due{LOST}",
    ),
    "event of another source": (
        lambda words: words.__setitem__(0, pack(Kind.SPIKE, 9, 0)),
        "The device sent events of source 9, which is not recorded",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_whole_is_noticed(fault: str) -> None:
    words = [
        pack(Kind.SPIKE, 3, 0),
        *valued(Kind.GRADED, 4, 1, 3),
        *valued(Kind.READOUT, 5, 2, 5),
        *step(0, 3),
        *step(1, 0),
    ]
    assert fed(words, RECORDED, 2).done == 2
    damage, message = FAULTS[fault]
    damage(words)
    with pytest.raises(LinkError, match=f"^{re.escape(message)}$"):
        fed(words, RECORDED, 2)
