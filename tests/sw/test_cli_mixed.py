"""The commands on a network with maps, values, delays and several kinds of neurons."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import (
    Convolution,
    Dense,
    Golden,
    Leak,
    NeuronParameters,
    Output,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    Recording,
    Reset,
    Sparse,
    Synapse,
)
from spikeloom.cli import main
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.server import TCPServer

TARGET = ("--target", "generic-4")
STEPS, SAMPLES = 10, 2
SHAPE = (2, 4, 3)


def spikeloom(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def report(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


def network() -> QuantisedNetwork:
    rng = np.random.default_rng(2)
    counting = NeuronParameters(40, 3900, reset=Reset.SUBTRACT, output=Output.COUNT)
    current = NeuronParameters(
        30,
        3,
        leak=Leak.SHIFT,
        synapse=Synapse.OLD,
        current_decay=3000,
        refractory=2,
        adaptation_step=9,
        noise=3,
    )
    reading = NeuronParameters(0, 4000, output=Output.VALUE)
    pre, post = np.divmod(rng.choice(19 * 19, 60, replace=False), 19)
    return QuantisedNetwork(
        (
            QuantisedPopulation("image", 24, shape=SHAPE, largest=9),
            QuantisedPopulation("tick", 1),
            QuantisedPopulation("maps", 36, counting, shape=(6, 3, 2)),
            QuantisedPopulation("pool", 19, current),
            QuantisedPopulation("out", 3, reading),
        ),
        (
            Convolution(
                "image",
                "maps",
                rng.integers(-20, 30, (6, 1, 3, 2)),
                input_shape=SHAPE,
                padding=((1, 0), (0, 0)),
                groups=2,
            ),
            Dense("maps", "pool", rng.integers(-5, 9, (36, 19))),
            Dense("tick", "pool", rng.integers(10, 40, (1, 19)), delay=1),
            Sparse(
                "pool",
                "pool",
                rng.integers(-30, 30, 60),
                pre=pre,
                post=post,
                size=(19, 19),
                delays=rng.integers(0, 6, 60),
            ),
            Dense("pool", "out", rng.integers(-90, 90, (19, 3))),
        ),
    )


def stimulus() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    image = rng.integers(-9, 10, (STEPS, SAMPLES, 24)) * (rng.random((STEPS, SAMPLES, 24)) < 0.5)
    return {"image": image.astype(np.int16), "tick": rng.random((STEPS, SAMPLES, 1)) < 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the network, its program, its spikes, and what golden makes of them."""
    place = tmp_path_factory.mktemp("mixed")
    network().save(place / "network.npz")
    np.savez(place / "spikes.npz", allow_pickle=False, **stimulus())
    beyond = stimulus()
    beyond["image"][4, 1, 7] = 10
    np.savez(place / "beyond.npz", allow_pickle=False, **beyond)
    Golden(network()).run(stimulus(), potentials=True).save(place / "expected.npz")
    built = spikeloom("build", place / "network.npz", "-o", place / "built", *TARGET)
    assert built.exit_code == 0, built.output
    return place


def test_check_describes_populations_and_projections(folder: Path) -> None:
    result = spikeloom("check", folder / "network.npz", *TARGET, "--json")
    assert result.exit_code == 0
    values = report(result)
    told = {p["name"]: (p["shape"], p["model"], p["sends"]) for p in values["populations"]}
    assert told == {
        "image": ("2x4x3", "input", "values to 9"),
        "tick": (None, "input", "spikes"),
        "maps": ("6x3x2", "LIF, reset by subtraction", "counts"),
        "pool": (
            None,
            "LIF, shift leak, old current, 3-bit noise, reset to value, adaptive, refractory",
            "spikes",
        ),
        "out": (None, "LI", "potentials"),
    }
    described = values["projections"]
    assert [p["kind"] for p in described] == ["convolution", "dense", "dense", "sparse", "dense"]
    assert described[0]["form"] == "6x1x3x2, padding 1+0x0, 2 groups"
    assert [p["longest_delay"] for p in described] == [0, 0, 1, 5, 0]
    assert described[0]["synapses"] == int(network().projections[0].operations.sum())
    assert values["timing"] == "exact"
    assert values["phases"] == 3


def test_check_tells_the_room_of_every_memory(folder: Path) -> None:
    room = report(spikeloom("check", folder / "network.npz", *TARGET, "--json"))["room"]
    core = Program.load(folder / "built" / "program.spikeloom").config.core
    assert room["longest_delay"] == {"needed": 5, "there": 63}
    assert room["neuron_rows"]["needed"] == 6 * 2 + 5 + 1
    for name in ("weight_rows", "synapse_rows", "neuron_rows"):
        # The memories are as deep as the next power of two.
        needed = room[name]["needed"]
        assert needed <= getattr(core, name) < 2 * needed
    shown = spikeloom("check", folder / "network.npz", *TARGET).stdout
    for words in ("rows of sparse synapses", "steps of the longest delay", "Timing: exact"):
        assert words in shown


def test_check_says_what_the_hardware_cannot_do(tmp_path: Path) -> None:
    whole = network()
    maps = whole.population("maps")
    assert maps.neuron is not None
    neuron = replace(maps.neuron, output=Output.SPIKE, winner=True)
    changed = [replace(p, neuron=neuron) if p is maps else p for p in whole.populations]
    QuantisedNetwork(tuple(changed), whole.projections).save(tmp_path / "network.npz")
    result = spikeloom("check", tmp_path / "network.npz")
    assert result.exit_code == 1
    sentence = (
        "Population 'maps' has winner-take-all, which a population laid out in pixels cannot "
        "have; leave it out, or use no convolution there"
    )
    assert result.stdout.endswith(f"It does not fit: {sentence}\n")
    again = spikeloom("check", tmp_path / "network.npz", "--json")
    assert again.exit_code == 1
    assert report(again)["reason"] == sentence
    built = spikeloom("build", tmp_path / "network.npz", "-o", tmp_path / "built")
    assert built.exit_code == 2
    assert built.stderr == f"Error: {sentence}\n"


@pytest.mark.parametrize("engine", ["golden", "auto"])
def test_simulate_takes_values_and_saves_values(folder: Path, tmp_path: Path, engine: str) -> None:
    output = tmp_path / "got.npz"
    options = ("--engine", engine, "--expect", folder / "expected.npz", "--potentials", "--json")
    common = ("--input", folder / "spikes.npz", "-o", output, *options)
    target = TARGET if engine == "auto" else ()
    result = spikeloom("simulate", folder / "network.npz", *common, *target)
    assert result.exit_code == 0, result.output
    expected, got = Recording.load(folder / "expected.npz"), Recording.load(output)
    assert expected.counts("maps").sum() > expected.spikes["maps"].astype(bool).sum() > 0
    assert expected.counts("pool").sum() > 0
    assert expected.difference(got) is None
    assert got.values.keys() == {"out"}
    for name, potentials in expected.potentials.items():
        np.testing.assert_array_equal(got.potentials[name], potentials)
    values = expected.values["out"]
    ends = {"least": int(values.min()), "greatest": int(values.max())}
    assert report(result)["values"] == {"out": ends}
    assert report(result)["spikes"].keys() == {"maps", "pool"}


def test_run_takes_values_and_saves_values(folder: Path, tmp_path: Path) -> None:
    path, output = folder / "built" / "program.spikeloom", tmp_path / "got.npz"
    with TCPServer(CompiledChip(Program.load(path))) as server:
        common = ("--input", folder / "spikes.npz", "--expect", folder / "expected.npz")
        result = spikeloom("run", path, "--url", server.url, *common, "-o", output)
    assert result.exit_code == 0, result.output
    assert "No difference" in result.stdout
    assert "greatest" in result.stdout
    assert Recording.load(folder / "expected.npz").difference(Recording.load(output)) is None


def test_a_population_that_sends_values_can_be_the_only_one_recorded(
    folder: Path, tmp_path: Path
) -> None:
    common = ("build", folder / "network.npz", *TARGET, "--record", "out")
    built = spikeloom(*common, "-o", tmp_path / "built")
    assert built.exit_code == 0, built.output
    program = tmp_path / "built" / "program.spikeloom"
    common = ("--input", folder / "spikes.npz", "--expect", folder / "expected.npz")
    result = spikeloom("simulate", program, *common)
    assert result.exit_code == 0, result.output
    assert "Spikes\n" not in result.stdout


def test_a_value_out_of_range_is_one_sentence(folder: Path) -> None:
    path = folder / "beyond.npz"
    result = spikeloom("simulate", folder / "network.npz", "--input", path, *TARGET)
    assert result.exit_code == 2
    sentence = "Values of input 'image' must be whole numbers from -9 to 9, not 10"
    assert result.stderr == f"Error: {path}: {sentence}\n"


@pytest.mark.parametrize("seed", range(20))
def test_a_network_file_with_flipped_bytes_gives_no_traceback(
    folder: Path, tmp_path: Path, seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = bytearray((folder / "network.npz").read_bytes())
    for place in random.integers(0, len(content), 3):
        content[place] ^= int(random.integers(1, 256))
    broken = tmp_path / "network.npz"
    broken.write_bytes(content)
    result = spikeloom("check", broken)
    assert result.exit_code in {0, 1, 2}, result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") <= 1
