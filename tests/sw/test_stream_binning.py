"""Events of pixels and neurons become the spikes that they should; what does not fit is counted."""

import re
from typing import Any

import numpy as np
import pytest

from spikeloom.events import EVENT
from spikeloom.host.stream import StreamReport
from spikeloom.host.stream.binning import Binner, Binning
from spikeloom_hw.program import PlacedPopulation

RETINA = PlacedPopulation("retina", 24, 0, shape=(2, 3, 4))
GREY = PlacedPopulation("grey", 12, 1, shape=(1, 3, 4))
COUNTS = PlacedPopulation("counts", 24, 2, shape=(2, 3, 4), largest=3)
PLAIN = PlacedPopulation("plain", 5, 3)


def pixels(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(list(rows), EVENT)


def neurons(*rows: tuple[int, ...], names: str = "t neuron") -> np.ndarray:
    return np.array(list(rows), [(name, np.int64) for name in names.split()])


def binned(
    chunks: list[np.ndarray], *inputs: PlacedPopulation, **chosen: Any
) -> tuple[dict[str, np.ndarray], StreamReport]:
    """All steps of 10 us, and the account."""
    binning = Binning(10, **chosen)
    report = StreamReport(10)
    binner = Binner(chunks, inputs, binning, report)
    arrays = binner.take(1000)
    assert binner.ended
    report.events_sent = sum(int(np.count_nonzero(array)) for array in arrays.values())
    assert report.unsent == 0
    return arrays, report


def test_an_event_of_a_pixel_is_a_spike_of_its_channel_line_and_column() -> None:
    events = pixels((0, 3, 2, 1), (9, 0, 0, 0), (10, 1, 2, 1), (35, 0, 1, 0))
    arrays, report = binned([events], RETINA)
    maps = arrays["retina"].reshape(4, 2, 3, 4)
    assert np.argwhere(maps).tolist() == [[0, 0, 0, 0], [0, 1, 2, 3], [1, 1, 2, 1], [3, 0, 1, 0]]
    assert (report.events_read, report.merged, report.cropped) == (4, 0, 0)


def test_both_polarities_meet_in_a_single_channel() -> None:
    arrays, report = binned([pixels((0, 1, 1, 0), (5, 1, 1, 1))], GREY)
    assert np.argwhere(arrays["grey"].reshape(1, 3, 4)).tolist() == [[0, 1, 1]]
    assert (report.events_read, report.merged) == (2, 1)


def test_a_graded_input_gets_the_number_of_events() -> None:
    events = pixels(*[(k, 2, 1, 1) for k in range(3)], *[(10 + k, 0, 0, 0) for k in range(5)])
    arrays, report = binned([events[:4], events[4:]], COUNTS)
    maps = arrays["counts"].reshape(2, 2, 3, 4)
    assert maps[0, 1, 1, 2] == 3
    assert maps[1, 0, 0, 0] == 3
    assert np.count_nonzero(maps) == 2
    assert (report.merged, report.clipped) == (6, 1)


def test_pixels_are_pooled_and_cropped() -> None:
    events = pixels((0, 5, 4, 0), (1, 12, 9, 0), (2, 13, 4, 0), (3, 4, 10, 1), (4, 5, 9, 1))
    arrays, report = binned([events], RETINA, pool=2, crop=(5, 4))
    maps = arrays["retina"].reshape(1, 2, 3, 4)
    assert np.argwhere(maps).tolist() == [[0, 0, 0, 0], [0, 0, 2, 3], [0, 1, 2, 0]]
    assert (report.events_read, report.cropped, report.merged) == (5, 2, 0)


def test_the_last_step_is_there_even_if_its_events_were_cropped() -> None:
    arrays, report = binned([pixels((0, 0, 0, 0), (29, 9, 9, 0))], RETINA, crop=(0, 0))
    assert arrays["retina"].sum(axis=1).tolist() == [1, 0, 0]
    assert report.cropped == 1


def test_events_of_neurons_name_input_and_value() -> None:
    events = neurons(
        (0, 1, 2, 1), (3, 0, 7, 2), (4, 0, 7, -2), (12, 0, 7, -9), names="t population neuron value"
    )
    arrays, report = binned([events], COUNTS, PLAIN)
    assert np.argwhere(arrays["plain"]).tolist() == [[0, 2]]
    assert np.argwhere(arrays["counts"]).tolist() == [[1, 7]]
    assert arrays["counts"][1, 7] == -3
    assert (report.merged, report.clipped) == (2, 1)


def test_the_only_input_needs_no_name() -> None:
    arrays, _ = binned([neurons((0, 4), (11, 0))], PLAIN)
    assert np.argwhere(arrays["plain"]).tolist() == [[0, 4], [1, 0]]


def test_pixels_go_to_the_input_that_is_named() -> None:
    arrays, _ = binned([pixels((0, 1, 1, 1))], RETINA, GREY, PLAIN, population="grey")
    assert not arrays["retina"].any()
    assert arrays["grey"].sum() == 1


def test_a_short_source_is_followed_by_silence() -> None:
    arrays, report = binned([pixels((0, 0, 0, 0))], RETINA, steps=4)
    assert arrays["retina"].sum(axis=1).tolist() == [1, 0, 0, 0]
    assert report.beyond == 0
    assert len(binned([], RETINA, steps=3)[0]["retina"]) == 3
    assert len(binned([], RETINA)[0]["retina"]) == 0


def test_what_comes_after_the_last_step_is_counted_and_not_read_on() -> None:
    def source() -> Any:
        yield pixels((0, 0, 0, 0), (19, 0, 0, 0), (20, 0, 0, 0), (25, 1, 1, 1))
        raise AssertionError("read on")

    report = StreamReport(10)
    binner = Binner(source(), (RETINA,), Binning(10, steps=2), report)
    assert binner.take(100)["retina"].sum(axis=1).tolist() == [1, 1]
    assert binner.ended
    assert (report.events_read, report.beyond) == (4, 2)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_steps_are_the_same_however_many_are_taken_at_once(limit: int) -> None:
    rng = np.random.default_rng(limit)
    events = np.zeros(200, EVENT)
    events["t"] = np.sort(rng.integers(0, 400, 200))
    for name, size in (("x", 4), ("y", 3), ("p", 2)):
        events[name] = rng.integers(size, size=200)
    whole, report = binned([events], RETINA)
    binner = Binner(np.array_split(events, 23), (RETINA,), Binning(10), StreamReport(10))
    parts = []
    while not binner.ended:
        parts.append(binner.take(limit)["retina"])
        assert len(parts[-1]) <= limit
    np.testing.assert_array_equal(np.concatenate(parts), whole["retina"])
    assert report.merged == 200 - np.count_nonzero(whole["retina"])


FAULTS: dict[str, tuple[tuple[PlacedPopulation, ...], np.ndarray, str]] = {
    "beyond the pixels": (
        (RETINA,),
        pixels((0, 0, 0, 0), (1, 4, 2, 0)),
        (
            "An event is at column 4, line 2, but input 'retina' has 4 x 3 pixels; crop or pool "
            "the events, as with Binning(crop=(0, 0)) or Binning(pool=4)"
        ),
    ),
    "polarity": (
        (RETINA,),
        pixels((0, 0, 0, 2)),
        "An event has the polarity 2, but input 'retina' has 2 channels",
    ),
    "no shape": (
        (PLAIN,),
        pixels((0, 0, 0, 0)),
        (
            "Events of pixels need an input with the shape (channels, height, width); say which "
            "with Binning(population=...): those with a shape are none"
        ),
    ),
    "two shapes": (
        (RETINA, GREY),
        pixels((0, 0, 0, 0)),
        (
            "Events of pixels need an input with the shape (channels, height, width); say which "
            "with Binning(population=...): those with a shape are 'retina', 'grey'"
        ),
    ),
    "back in time": (
        (RETINA,),
        pixels((5, 0, 0, 0), (4, 0, 0, 0)),
        (
            "Events must come in order of time: one of 4 us came after one of 5 us; sort them, or "
            "read the file with a window"
        ),
    ),
    "before the beginning": (
        (RETINA,),
        pixels((-1, 0, 0, 0)),
        (
            "Events must come in order of time: one of -1 us came after one of 0 us; sort them, or "
            "read the file with a window"
        ),
    ),
    "neuron": (
        (PLAIN,),
        neurons((0, 5)),
        "An event is of neuron 5 of input 'plain', which has 5",
    ),
    "negative neuron": (
        (PLAIN,),
        neurons((0, -1)),
        "An event is of neuron -1 of input 'plain', which has 5",
    ),
    "population": (
        (PLAIN, RETINA),
        neurons((0, 2, 0), names="t population neuron"),
        "An event is of population 2, but there are 2 inputs",
    ),
    "no population": (
        (PLAIN, RETINA),
        neurons((0, 0)),
        "Events must have the field population, as the inputs are 'plain', 'retina'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_events_that_fit_nowhere_are_refused(fault: str) -> None:
    inputs, events, message = FAULTS[fault]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        binned([events], *inputs)


def test_arrays_that_are_no_events_are_refused() -> None:
    message = (
        "Events must be structured arrays with the fields t, x, y and p, or t and neuron, not "
        "arrays of float64"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        binned([np.zeros(3)], RETINA)


def test_an_input_that_does_not_exist_is_refused() -> None:
    message = "There is no input 'plain' with a shape; those with one are 'retina'"
    with pytest.raises(ValueError, match=f"^{message}$"):
        binned([], RETINA, PLAIN, population="plain")


@pytest.mark.parametrize(
    ("chosen", "kind", "message"),
    [
        ({"dt": 0}, ValueError, "Binning dt must be at least 1, not 0"),
        ({"dt": 1e3}, TypeError, "Binning dt must be a whole number, not 1000.0"),
        ({"dt": 1, "pool": 0}, ValueError, "Binning pool must be at least 1, not 0"),
        ({"dt": 1, "steps": True}, TypeError, "Binning steps must be a whole number, not True"),
    ],
)
def test_a_binning_that_makes_no_sense_is_refused(
    chosen: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        Binning(**chosen)
