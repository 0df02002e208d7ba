"""Files of cameras are read, through the library of the extra ``events``, as they were written."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.events import EVENT, open_events

faery: Any = pytest.importorskip(
    "faery", reason="The extra events is not installed: pip install 'spikeloom[events]'"
)


def random_events(count: int) -> np.ndarray:
    """Events in order, the first at 70 us, within 34 x 34 pixels."""
    rng = np.random.default_rng(1)
    events = np.zeros(count, EVENT)
    events["t"] = np.sort(rng.integers(70, 1 << 22, count))
    events["t"][0] = 70
    for name, size in (("x", 34), ("y", 34), ("p", 2)):
        events[name] = rng.integers(size, size=count)
    return events


def evt2(events: np.ndarray) -> bytes:
    """Words of the format EVT 2.0 of Prophesee: time in two parts, 34 bits of it."""
    words, high = [], -1
    for t, x, y, p in events.tolist():
        if t >> 6 != high:
            high = t >> 6
            words.append(0x8 << 28 | high & 0xFFFFFFF)
        words.append(p << 28 | (t & 63) << 22 | x << 11 | y)
    header = b"% evt 2.0\n% format EVT2;height=40;width=34\n% geometry 34x40\n% end\n"
    return header + struct.pack(f"<{len(words)}I", *words)


def evt3(events: np.ndarray) -> bytes:
    """Words of the format EVT 3.0 of Prophesee: 12 bits of time each, line, then column."""
    words: list[int] = []
    high = -1
    for t, x, y, p in events.tolist():
        if t >> 12 != high:
            high = t >> 12
            words.append(0x8 << 12 | high & 0xFFF)
        words += [0x6 << 12 | t & 0xFFF, y, 0x2 << 12 | p << 11 | x]
    header = b"% evt 3.0\n% format EVT3;height=40;width=34\n% geometry 34x40\n% end\n"
    return header + struct.pack(f"<{len(words)}H", *words)


@pytest.mark.parametrize("write", [evt2, evt3])
def test_files_of_cameras_are_read(tmp_path: Path, write: Callable[[np.ndarray], bytes]) -> None:
    events = random_events(3000)
    (tmp_path / "e.raw").write_bytes(write(events))
    reader = open_events(tmp_path / "e.raw")
    assert (reader.width, reader.height) == (34, 40)
    got = np.concatenate(list(reader))
    np.testing.assert_array_equal(got["t"], events["t"] - 70)
    for column in "xyp":
        np.testing.assert_array_equal(got[column], events[column])


@pytest.mark.parametrize("ending", [".aedat4", ".es"])
def test_files_of_event_libraries_are_read(tmp_path: Path, ending: str) -> None:
    events = random_events(3000)
    theirs: Any = np.zeros(len(events), faery.EVENTS_DTYPE)
    theirs["t"], theirs["x"], theirs["y"] = (events[name] for name in "txy")
    theirs["on"] = events["p"] > 0
    path = tmp_path / f"e{ending}"
    faery.events_stream_from_array(theirs, dimensions=(34, 40)).to_file(path)
    reader = open_events(path)
    assert (reader.width, reader.height) == (34, 40)
    got = np.concatenate(list(reader))
    np.testing.assert_array_equal(got["t"], events["t"] - 70)
    for column in "xyp":
        np.testing.assert_array_equal(got[column], events[column])


def test_a_damaged_file_of_a_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.aedat4"
    path.write_bytes(b"hello")
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} cannot be read: "):
        open_events(path)
