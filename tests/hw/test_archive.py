import os

import numpy as np
import pytest

from spikeloom_hw.archive import read_archive, write_archive

KIND = ("table", 1)
ARRAYS = {"weights/0": np.arange(100, dtype=np.int16), "empty": np.zeros((0, 3))}


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "table.npz"
    write_archive(path, KIND, {"names": ["a", "b"], "count": 3}, ARRAYS)
    description, arrays = read_archive(path, KIND)
    assert description == {"names": ["a", "b"], "count": 3}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_saving_replaces_the_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "table.npz"
    write_archive(path, KIND, {"label": "x"}, ARRAYS)
    before = path.read_bytes()
    write_archive(path, KIND, {"label": "x"}, ARRAYS)
    assert path.read_bytes() == before

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="^disk full$"):
        write_archive(path, KIND, {"label": "x"}, ARRAYS)
    assert os.listdir(tmp_path) == ["table.npz"]
    assert path.read_bytes() == before


def test_a_file_with_a_flipped_byte_is_refused(tmp_path):
    path = tmp_path / "table.npz"
    write_archive(path, KIND, {"label": "x"}, ARRAYS)
    whole = bytearray(path.read_bytes())
    with np.load(path) as archive:
        assert "weights/0" in archive.files
    place = whole.index(b"weights/0.npy") + 60
    whole[place] ^= 0x55
    path.write_bytes(bytes(whole))
    with pytest.raises(ValueError, match=f"^{path} is not a complete table file$"):
        read_archive(path, KIND)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    write_archive(path, ("program", 1), {}, {})
    with pytest.raises(ValueError, match=f"^{path} holds a program, not a table$"):
        read_archive(path, KIND)
    write_archive(path, ("table", 7), {}, {})
    message = f"^{path} is a table file of version 7; this Spikeloom reads version 1$"
    with pytest.raises(ValueError, match=message):
        read_archive(path, KIND)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="array.npy is not a complete table file$"):
        read_archive(tmp_path / "array.npy", KIND)
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "none.npz", KIND)
