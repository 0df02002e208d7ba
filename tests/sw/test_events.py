"""Files of events are read as they were written, a chunk at a time, whatever their format."""

import re
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spikeloom.events import EVENT, EventReader, open_events

ROOT = Path(__file__).parents[2]


def random_events(count: int, seed: int = 1, last: int = 1 << 22) -> np.ndarray:
    """Events in order, the first at 70 us, within 34 x 34 pixels."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT)
    events["t"] = np.sort(rng.integers(70, last, count))
    events["t"][0] = 70
    for name, size in (("x", 34), ("y", 34), ("p", 2)):
        events[name] = rng.integers(size, size=count)
    return events


def write_bin(path: Path, events: np.ndarray) -> None:
    t, x, y, p = (events[name].astype(np.int64) for name in "txyp")
    columns = [x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]
    np.stack(columns, axis=1).astype(np.uint8).tofile(path)


def write_dat(path: Path, events: np.ndarray) -> None:
    t, x, y, p = (events[name].astype(np.int64) for name in "txyp")
    words = np.stack([t & 0xFFFFFFFF, p << 28 | y << 14 | x], axis=1).astype("<u4")
    header = b"% Data file containing CD events.\n% Version 2\n% Width 34\n% Height 40\n"
    path.write_bytes(header + bytes((12, 8)) + words.tobytes())


def write_structured(path: Path, events: np.ndarray) -> None:
    np.save(path, events)


def write_others(path: Path, events: np.ndarray) -> None:
    """Fields of other names and types, in another order."""
    other = np.zeros(len(events), [("on", bool), ("y", ">i4"), ("x", "<u4"), ("ts", "<u8")])
    other["on"] = events["p"] > 0
    for ours, theirs in (("t", "ts"), ("x", "x"), ("y", "y")):
        other[theirs] = events[ours]
    np.save(path, other)


def write_columns(path: Path, events: np.ndarray) -> None:
    signed = events["p"].astype(np.int8) * 2 - 1
    t, x, y = (events[name] for name in "txy")
    np.savez_compressed(path, t=t, x=x, y=y, polarity=signed, label=np.int64(3))


def write_one(path: Path, events: np.ndarray) -> None:
    np.savez(path, recording=events)


WRITERS: dict[str, tuple[str, Callable[[Path, np.ndarray], None]]] = {
    "bin": ("e.bin", write_bin),
    "dat": ("e.dat", write_dat),
    "npy": ("e.npy", write_structured),
    "npy of other names": ("e.NPY", write_others),
    "npz of columns": ("e.npz", write_columns),
    "npz of one array": ("e.npz", write_one),
}


@pytest.mark.parametrize("chunk", [1, 7, 1000, 100_000])
@pytest.mark.parametrize("kind", WRITERS)
def test_what_was_written_is_read_in_chunks(tmp_path: Path, kind: str, chunk: int) -> None:
    name, write = WRITERS[kind]
    events = random_events(60 if chunk == 1 else 3000)
    # np.save would add another ending.
    with (tmp_path / name).open("wb"):
        write(tmp_path / name, events)
    if name == "e.NPY":
        (tmp_path / "e.NPY.npy").replace(tmp_path / name)
    reader = EventReader(tmp_path / name, chunk=chunk)
    parts = list(reader)
    assert all(part.dtype == EVENT and 0 < len(part) <= chunk for part in parts)
    got = np.concatenate(parts)
    assert got["t"][0] == 0
    np.testing.assert_array_equal(got["t"], events["t"] - 70)
    for column in "xyp":
        np.testing.assert_array_equal(got[column], events[column])
    # A reader reads anew each time.
    np.testing.assert_array_equal(np.concatenate(list(reader)), got)


def test_the_size_of_the_camera_is_told_where_the_file_does(tmp_path: Path) -> None:
    write_dat(tmp_path / "e.dat", random_events(3))
    write_bin(tmp_path / "e.bin", random_events(3))
    reader = open_events(tmp_path / "e.dat")
    assert (reader.width, reader.height) == (34, 40)
    reader = open_events(tmp_path / "e.bin")
    assert (reader.width, reader.height) == (None, None)


def test_the_recording_of_the_example_is_the_one_in_its_samples() -> None:
    folder = ROOT / "examples" / "nmnist"
    with np.load(folder / "samples.npz") as samples:
        (k,) = np.flatnonzero(samples["id"] == 20)
        part = slice(*samples["offset"][k : k + 2])
        addr, times = samples["addr"][part], np.cumsum(samples["dt_us"][part], dtype=np.int64)
    events = np.concatenate(list(open_events(folder / "recording.bin", origin=0)))
    np.testing.assert_array_equal(events["t"], times)
    np.testing.assert_array_equal(events["x"], addr & 63)
    np.testing.assert_array_equal(events["y"], addr >> 6 & 63)
    np.testing.assert_array_equal(events["p"], addr >> 12)


@pytest.mark.parametrize("chunk", [1, 2, 10])
def test_times_that_run_over_in_a_bin_file_go_on(tmp_path: Path, chunk: int) -> None:
    events = np.zeros(5, EVENT)
    events["t"] = [10, 8000, 100, 50, 60]
    events["y"] = [1, 2, 240, 3, 4]
    write_bin(tmp_path / "e.bin", events)
    got = np.concatenate(list(EventReader(tmp_path / "e.bin", chunk=chunk, origin=0)))
    assert got["t"].tolist() == [10, 8000, 8192 + 50, 8192 + 60]
    assert got["y"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("chunk", [1, 2, 10])
def test_times_that_run_over_in_a_dat_file_go_on(tmp_path: Path, chunk: int) -> None:
    events = np.zeros(4, EVENT)
    events["t"] = [(1 << 32) - 5, (1 << 32) + 5, (2 << 32) - 1, (2 << 32) + 3]
    write_dat(tmp_path / "e.dat", events)
    got = np.concatenate(list(EventReader(tmp_path / "e.dat", chunk=chunk)))
    assert got["t"].tolist() == (events["t"] - events["t"][0]).tolist()


def test_a_large_file_is_never_held_whole(tmp_path: Path) -> None:
    events = random_events(400_000)
    write_columns(tmp_path / "e.npz", events)
    write_structured(tmp_path / "e.npy", events)
    size = events.nbytes
    del events
    for name in ("e.npz", "e.npy"):
        tracemalloc.start()
        assert sum(len(part) for part in open_events(tmp_path / name)) == 400_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < size / 2


def jittered(count: int, jitter: int) -> np.ndarray:
    events = random_events(count)
    order = np.argsort(events["t"] + np.random.default_rng(2).integers(0, jitter, count))
    return events[order]


@pytest.mark.parametrize("chunk", [1, 5, 64, 5000])
def test_events_are_sorted_within_a_window(tmp_path: Path, chunk: int) -> None:
    events = jittered(500, 20_000)
    assert (np.diff(events["t"]) < 0).any()
    write_bin(tmp_path / "e.bin", events)
    parts = list(EventReader(tmp_path / "e.bin", window=20_000, origin=0, chunk=chunk))
    times = np.concatenate(parts)["t"]
    np.testing.assert_array_equal(times, np.sort(events["t"]))
    assert sorted(np.concatenate(parts).tolist()) == sorted(events.tolist())


def test_events_beyond_the_window_are_refused(tmp_path: Path) -> None:
    events = random_events(3)
    events["t"] = [100, 300, 150]
    write_bin(tmp_path / "e.bin", events)
    assert len(np.concatenate(list(open_events(tmp_path / "e.bin", window=150)))) == 3
    for window in (0, 149):
        message = (
            f"An event of 150 us came after one of 300 us, which is more than the window of "
            f"{window} us; sort the file, or open it with a larger window"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            list(open_events(tmp_path / "e.bin", window=window))


def test_time_may_begin_elsewhere(tmp_path: Path) -> None:
    write_bin(tmp_path / "e.bin", random_events(5))
    (first, *_) = next(iter(open_events(tmp_path / "e.bin", origin=20)))["t"]
    assert first == 50
    with pytest.raises(ValueError, match=r"^An event of 70 us lies before the origin of 71 us$"):
        list(open_events(tmp_path / "e.bin", origin=71))


def test_a_file_without_events_has_no_chunks(tmp_path: Path) -> None:
    for kind in ("bin", "dat", "npy", "npz of columns"):
        name, write = WRITERS[kind]
        write(tmp_path / name, random_events(1)[:0])
        assert list(open_events(tmp_path / name)) == []


def check_fault(path: Path, content: bytes | Callable[[Path], object], message: str) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with pytest.raises(ValueError, match=f"^{re.escape(message.format(path=path))}$"):
        list(open_events(path))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    cut = "{path} ends in the middle of an event: it was cut off"
    check_fault(tmp_path / "e.bin", bytes(8), cut)
    header = b"% Version 2\n" + bytes((0, 8))
    check_fault(tmp_path / "e.dat", header + bytes(9), cut)
    other = "{path} must be a .dat file of version 2, not "
    check_fault(tmp_path / "e.dat", b"% Version 1\n", other + "1")
    check_fault(tmp_path / "e.dat", b"", other + "none")
    check_fault(tmp_path / "e.dat", bytes(50), other + "none")
    kind = "{path} holds no events of a camera: type 14 of 8 bytes"
    check_fault(tmp_path / "e.dat", b"% Version 2\n" + bytes((14, 8)), kind)
    check_fault(tmp_path / "e.npy", b"hello", "{path} is not a whole .npy file")
    check_fault(tmp_path / "e.npz", b"hello", "{path} is not a whole .npz file")
    np.save(tmp_path / "whole.npy", random_events(10))
    whole = (tmp_path / "whole.npy").read_bytes()
    cut = "{path} ends in the middle of its events: it was cut off"
    check_fault(tmp_path / "e.npy", whole[:-1], cut)


def test_arrays_that_are_no_events_are_refused(tmp_path: Path) -> None:
    needed = "with the fields t (microseconds), x, y and p"
    path = tmp_path / "e.npy"

    def array(values: np.ndarray) -> Callable[[Path], object]:
        return lambda path: np.save(path, values)

    check_fault(
        path, array(np.zeros(3)), f"{{path}} must hold a structured array {needed}, not float64"
    )
    message = (
        "Events in {path} must be one-dimensional arrays of numbers, not float64 of shape (3, 4)"
    )
    check_fault(path, array(np.zeros((3, 4))), message)
    seconds = np.zeros(3, [("t", float), ("x", int), ("y", int), ("p", int)])
    message = (
        "Column t of the events must hold whole numbers, not float64; times are in microseconds"
    )
    check_fault(path, array(seconds), message)
    far = np.zeros(3, [("t", int), ("x", int), ("y", int), ("p", int)])
    far["y"] = -1
    check_fault(path, array(far), "Column y of the events must lie between 0 and 65535")

    archive = tmp_path / "e.npz"
    message = (
        "{path} must hold the columns t (microseconds), x, y and p, or one structured array, not "
        "t, x"
    )
    check_fault(archive, lambda path: np.savez(path, x=np.zeros(3), t=np.zeros(3)), message)
    t = np.zeros(3, int)
    message = "The columns of {path} must have the same length"
    check_fault(archive, lambda path: np.savez(path, t=t, x=t, y=t, p=t[:2]), message)
    message = f"{{path}} must hold a structured array {needed}, not int64"
    check_fault(archive, lambda path: np.savez(path, a=np.zeros(3, int)), message)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    events = random_events(1000)
    t, x, y, p = (events[name] for name in "txyp")
    np.savez(path, t=t, x=x, y=y, p=p, a=np.zeros(1))
    with zipfile.ZipFile(path) as archive:
        after = archive.infolist()[4].header_offset
    content = bytearray(path.read_bytes())
    content[after - 5] ^= 1
    check_fault(path, bytes(content), "{path} is not a whole .npz file")
    check_fault(path, bytes(content[: len(content) // 2]), "{path} is not a whole .npz file")


def test_paths_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    endings = ".bin, .dat, .npy, .npz, .raw, .aedat4, .es"
    message = f"e.mp4 has no ending of a file of events: {endings}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        open_events("e.mp4")
    with pytest.raises(FileNotFoundError):
        open_events(tmp_path / "nothing.bin")
    write_bin(tmp_path / "e.bin", random_events(1))
    message = "Window must not be negative and chunk at least 1, not -1 and 16384"
    with pytest.raises(ValueError, match=f"^{message}$"):
        open_events(tmp_path / "e.bin", window=-1)


def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faery", None)
    (tmp_path / "e.raw").touch()
    message = (
        "Files .raw are read by faery, which is not installed: pip install 'spikeloom[events]'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        open_events(tmp_path / "e.raw")
