import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import ChipConfig, CoreConfig, Walk
from spikeloom_hw.neuron import Output
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.program import (
    PlacedPart,
    PlacedPopulation,
    PlacedProjection,
    PlacedSlice,
    Program,
    ProgramError,
)
from spikeloom_hw.registers import regions

CONFIG = ChipConfig(CoreConfig(lanes=8, update_lanes=1, weight_rows=32, neuron_rows=2))

HERE = PlacedSlice(core=0, row=0, base=0, rows=2)


def make() -> Program:
    rng = np.random.default_rng(0)
    known = regions(CONFIG)
    images = {
        name: rng.integers(0, 1 << 32, (known[name].rows, known[name].words), np.uint32)
        for name in ("weights", "sources", "record")
    }
    images["record"] = np.array([[0b10], [0]], np.uint32)
    populations = (
        PlacedPopulation("pixels", 8, 0, shape=(2, 2, 2), stride=2, largest=7),
        PlacedPopulation("hidden", 12, 1, (HERE,), scale=0.25, fraction=3, output=Output.COUNT),
    )
    projection = PlacedProjection(
        "pixels", "hidden", Walk.DENSE, (8, 12), (PlacedPart(0, 0, 4, 16),)
    )
    return Program(CONFIG, images, populations, (projection,))


def rewrite(path: Path, **changes: Any) -> None:
    """Change what a program file says of itself; None takes an entry away."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    description = json.loads(str(arrays["description"])) | changes
    kept = {name: value for name, value in description.items() if value is not None}
    arrays["description"] = np.array(json.dumps(kept))
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def refuse(path: Path, message: str) -> None:
    with pytest.raises(ProgramError, match=f"^{re.escape(str(path))} {message}$"):
        Program.load(path)


def test_a_program_loads_as_it_was_saved(tmp_path: Path) -> None:
    program, path = make(), tmp_path / "net.spikeloom"
    program.save(path)
    again = Program.load(path)
    assert again.config == program.config
    assert again.populations == program.populations
    assert again.populations[1].output is Output.COUNT
    assert again.projections == program.projections
    assert again.projections[0].kind is Walk.DENSE
    assert again.images.keys() == program.images.keys()
    for name, image in program.images.items():
        assert np.array_equal(again.images[name], image)
        assert again.images[name].dtype == np.uint32
    assert [p.name for p in tmp_path.iterdir()] == ["net.spikeloom"]


def test_saving_replaces_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "net.spikeloom"
    path.write_text("older")
    make().save(path)
    assert Program.load(path).populations == make().populations


def test_populations_are_told_apart() -> None:
    program = make()
    assert [p.name for p in program.inputs] == ["pixels"]
    assert [p.name for p in program.neurons] == ["hidden"]
    assert [p.name for p in program.recorded] == ["hidden"]


def test_a_population_is_found_by_its_name() -> None:
    assert make().population("hidden").size == 12
    message = "^There is no population 'output'; the program has 'pixels', 'hidden'$"
    with pytest.raises(ValueError, match=message):
        make().population("output")


def test_dense_weights_are_found_in_the_rows_that_hold_them() -> None:
    program = make()
    (projection,) = program.projections
    rows = unpack_rows(regions(CONFIG)["weights"].layout, program.images["weights"])[""]
    found = program.weights_of(projection, [{"": rows[4:20]}])
    assert found.shape == (8, 12)
    # Neuron 5 is channel 1 of pixel 1, so it has index 3 and the two rows from 4 + 2 * 3.
    assert found[5].tolist() == rows[10:12].ravel()[:12].tolist()


def test_sparse_weights_are_found_by_their_pointers() -> None:
    config = ChipConfig(
        CoreConfig(lanes=4, update_lanes=1, neuron_rows=4, pointers=8, synapse_rows=8)
    )
    known = regions(config)
    pointers = {"first": [1, 2, 1], "words": [0, 2, 1], "size": [0, 3, 1]}
    lanes = {
        "weight": [[0] * 4, [0, 0, 0, -8], [5, 0, -6, 0], [7, 0, 0, 0]],
        "row": [[0] * 4, [1, 1, 1, 1], [1, 1, 2, 1], [2, 1, 1, 1]],
    }
    images = {
        "pointers": pack_rows(
            known["pointers"].layout, {name: np.array(c) for name, c in pointers.items()}
        )
    }
    populations = (
        PlacedPopulation("in", 3, 0),
        PlacedPopulation("out", 7, 1, (replace(HERE, row=1),)),
    )
    projection = PlacedProjection("in", "out", Walk.SPARSE, (4,), (PlacedPart(0, 0, 1, 3),))
    program = Program(config, images, populations, (projection,))
    rows = {name: np.array(column)[1:] for name, column in lanes.items()}
    found = program.weights_of(projection, [rows])
    assert projection.memory == "synapses"
    assert found[0].tolist() == [0] * 7
    assert found[1].tolist() == [5, 0, 0, 0, 7, 0, -6]
    assert found[2].tolist() == [0, 0, 0, -8, 0, 0, 0]


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, part: float) -> None:
    path = tmp_path / "net.spikeloom"
    make().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    refuse(path, "is not a complete program file; compile the network again")


@pytest.mark.parametrize("content", [b"", b"PK", b"module top; endmodule", bytes(5000)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "top.v"
    path.write_bytes(content)
    refuse(path, "is not a complete program file; compile the network again")


def test_another_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    make().save(path)
    rewrite(path, kind="recording")
    refuse(path, "holds a recording, not a program; compile the network again")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.spikeloom"
    make().save(path)
    rewrite(path, version=7)
    refuse(
        path,
        "is a program file of version 7; this Spikeloom reads version 3; compile the network again",
    )


@pytest.mark.parametrize("name", ["config", "populations", "projections", "config_hash"])
def test_a_file_that_lacks_a_part_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.spikeloom"
    make().save(path)
    rewrite(path, **{name: None})
    refuse(path, "lacks a part of a program; compile the network again")


@pytest.mark.parametrize("seed", range(30))
def test_a_flipped_byte_is_noticed_or_harmless(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program, path = make(), tmp_path / "net.spikeloom"
    program.save(path)
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    try:
        again = Program.load(path)
    except ProgramError:
        return
    assert again.config == program.config
    assert all(np.array_equal(again.images[name], program.images[name]) for name in program.images)


def test_hardware_that_cannot_be_built_anew_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.spikeloom"
    make().save(path)
    rewrite(path, config_hash="0" * 16)
    refuse(
        path,
        "was written for hardware that this version cannot build; compile the network again",
    )


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Program.load(tmp_path / "none.spikeloom")


def test_an_image_of_a_memory_that_is_not_there_is_refused() -> None:
    images = {"neurons": np.zeros((1, 1), np.uint32)}
    message = "^The configured hardware has no memory 'neurons'$"
    with pytest.raises(ProgramError, match=message):
        Program(CONFIG, images, (), ())


@pytest.mark.parametrize("shape", [(33, 2), (4, 1), (4, 3), (4,)])
def test_an_image_of_the_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    images = {"weights": np.zeros(shape, np.uint32)}
    message = (
        r"^Image of memory 'weights' must be at most \(32, 2\) words, not "
        rf"{re.escape(str(shape))}$"
    )
    with pytest.raises(ProgramError, match=message):
        Program(CONFIG, images, (), ())
