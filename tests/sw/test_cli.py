"""Every command answers people, machines and CI; every error of a user is one sentence."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import LIF, Golden, Network, Program, QuantisedNetwork, Recording, quantise
from spikeloom.cli import main
from spikeloom_boards.target import TARGETS

SPIKELOOM = Path(sys.executable).with_name("spikeloom")
TARGET = ("--target", "generic-4")


def spikeloom(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def report(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


def stimulus() -> np.ndarray:
    return np.random.default_rng(5).random((12, 2, 9)) < 0.3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a network, its spikes, its program and broken copies of them."""
    place = tmp_path_factory.mktemp("cli")
    random = np.random.default_rng(4)
    network = Network()
    network.add_input("in", 9)
    network.add_population("out", 7, LIF(decay=0.9))
    network.connect("in", "out", random.normal(0.2, 0.5, (9, 7)))
    quantise(network).save(place / "network.npz")
    np.save(place / "spikes.npy", stimulus())
    np.save(place / "narrow.npy", stimulus()[:, :, :8])
    built = spikeloom("build", place / "network.npz", "-o", place / "built", *TARGET)
    assert built.exit_code == 0, built.output
    program = (place / "built" / "program.spikeloom").read_bytes()
    (place / "truncated.spikeloom").write_bytes(program[: len(program) // 2])
    (place / "truncated.npz").write_bytes((place / "network.npz").read_bytes()[:500])
    (place / "truncated.npy").write_bytes((place / "spikes.npy").read_bytes()[:90])
    (place / "empty").touch()
    return place


def test_check_tells_that_a_network_fits(folder: Path) -> None:
    result = spikeloom("check", folder / "network.npz", *TARGET, "--json")
    assert result.exit_code == 0
    values = report(result)
    assert values["fits"] is True
    assert values["room"]["weight_rows"] == {"needed": 18, "there": 1048576}
    assert values["populations"][1]["accumulator_bits"] == 18
    assert values["per_step"]["events"] == 1.6
    assert values["memory_bits"]["weights"] == 32 * 4 * 8


def test_check_tells_that_a_network_does_not_fit(folder: Path) -> None:
    network = folder / "wide.npz"
    replace(QuantisedNetwork.load(folder / "network.npz"), accumulator_width=20).save(network)
    result = spikeloom("check", network, "--target", "up5k")
    assert result.exit_code == 1
    assert "It does not fit: The network needs 20 bits per accumulator" in result.stdout
    again = spikeloom("check", network, "--target", "up5k", "--json")
    assert again.exit_code == 1
    assert report(again)["fits"] is False


def test_build_writes_program_and_verilog(folder: Path) -> None:
    names = {file.name for file in (folder / "built").iterdir()}
    assert {"program.spikeloom", "spikeloom.v", "spikeloom.map.json", "spikeloom.h"} <= names
    assert Program.load(folder / "built" / "program.spikeloom").config.core.lanes == 4


@pytest.mark.parametrize("work", ["network.npz", "built/program.spikeloom"])
def test_simulate_gives_what_golden_gives(folder: Path, tmp_path: Path, work: str) -> None:
    golden, got = tmp_path / "golden.npz", tmp_path / "got.npz"
    common = ("--input", folder / "spikes.npy", "--json", "-o")
    first = spikeloom("simulate", folder / "network.npz", "--engine", "golden", *common, golden)
    assert first.exit_code == 0, first.output
    options = TARGET if work == "network.npz" else ()
    result = spikeloom("simulate", folder / work, *common, got, "--expect", golden, *options)
    assert result.exit_code == 0, result.output
    assert report(result)["compared"] is True
    expected = Golden(QuantisedNetwork.load(folder / "network.npz")).run(stimulus())
    assert expected.counts("out").sum() > 0
    assert expected.difference(Recording.load(got)) is None
    counters = report(result)["counters"]
    assert {name: counters[name] for name in expected.counters} == expected.counters


def test_a_difference_is_named_and_gives_exit_code_1(folder: Path, tmp_path: Path) -> None:
    network = QuantisedNetwork.load(folder / "network.npz")
    expected = Golden(network).run(stimulus())
    expected.spikes["out"][4, 1, 3] ^= True
    expected.save(tmp_path / "other.npz")
    common = ("--input", folder / "spikes.npy", "--engine", "golden")
    expect = ("--expect", tmp_path / "other.npz")
    result = spikeloom("simulate", folder / "network.npz", *common, *expect)
    assert result.exit_code == 1
    assert "First difference: step 4, sample 1, population 'out', neuron 3" in result.stdout
    again = spikeloom("simulate", folder / "network.npz", *common, *expect, "--json")
    assert report(again)["difference"]["neuron"] == 3


def test_compare_runs_golden_beside_the_verilog(folder: Path) -> None:
    common = ("--input", folder / "spikes.npy", "--compare", *TARGET)
    result = spikeloom("simulate", folder / "network.npz", *common)
    assert result.exit_code == 0, result.output
    assert "No difference" in result.stdout


@pytest.mark.parametrize("link", [("--tcp", "0"), ("--pty",)], ids=["tcp", "pty"])
def test_run_reaches_a_device_that_is_served(
    folder: Path, tmp_path: Path, link: tuple[str, ...]
) -> None:
    program = folder / "built" / "program.spikeloom"
    command = [SPIKELOOM, "serve", program, *link, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "}\n")
            url = json.loads("".join(lines) + "}")["url"]
            output = tmp_path / "got.npz"
            common = ("--input", folder / "spikes.npy", "-o", output, "--json")
            result = spikeloom("run", program, "--url", url, *common)
        finally:
            server.terminate()
    assert result.exit_code == 0, result.output
    expected = Golden(QuantisedNetwork.load(folder / "network.npz")).run(stimulus())
    assert expected.difference(Recording.load(output)) is None


def test_targets_lists_all_targets() -> None:
    listed = report(spikeloom("targets", "--json"))["targets"]
    assert [target["name"] for target in listed] == list(TARGETS)
    assert all(name in spikeloom("targets").stdout for name in TARGETS)


def test_doctor_finds_what_is_needed_and_misses_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert spikeloom("doctor").exit_code == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    result = spikeloom("doctor", "--json")
    assert result.exit_code == 1
    assert "g++" in report(result)["missing"]


def test_the_demo_writes_all_that_it_promises(tmp_path: Path) -> None:
    result = spikeloom("demo", "-o", tmp_path / "demo", "--images", "3", "--json")
    assert result.exit_code == 0, result.output
    names = {file.name for file in (tmp_path / "demo").iterdir()}
    assert {"spikeloom.v", "raster.png", "images.png", "recording.npz", "results.json"} <= names
    results = json.loads((tmp_path / "demo" / "results.json").read_text())
    assert results["mismatches"] == 0 == report(result)["mismatches"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo"]


SPIKES = "--input {}/spikes.npy"
PROGRAM = "{}/built/program.spikeloom"
WRONG = {
    "check {}/none.npz": "{}/none.npz: no such file or directory",
    "check {}": "{}: is a directory",
    "check {}/truncated.npz": "{}/truncated.npz is not a complete quantised network file",
    f"check {PROGRAM}": f"{PROGRAM} holds a program, not a quantised network",
    f"simulate {{}}/empty {SPIKES}": "{}/empty is neither a whole network (QuantisedNetwork.save) "
    "nor a whole program (spikeloom build)",
    f"run {{}}/truncated.spikeloom --url tcp://x:1 {SPIKES}": "{}/truncated.spikeloom is not a "
    "complete program file; compile the network again",
    "simulate {}/network.npz --input {}/truncated.npy": "{}/truncated.npy is not a whole .npy or "
    ".npz file of spikes",
    "simulate {}/network.npz --input {}/narrow.npy": "{}/narrow.npy: Spikes of input 'in' must be "
    "a (steps, batch, 9) or (steps, 9) array with at least one step and one sample, "
    "not one of shape (12, 2, 8)",
    f"simulate {PROGRAM} {SPIKES} --compare": f"The golden model runs networks, but {PROGRAM} is a "
    "program; give the network instead, or --expect a recording",
    f"simulate {{}}/network.npz {SPIKES} -o {{}}/no/out.npz": "{}/no/out.npz cannot be written: "
    "there is no folder {}/no",
    f"simulate {{}}/network.npz {SPIKES} -o {{}}": "{} is a folder; give the name of a file to "
    "write",
    "build {}/network.npz -o {}/other --link uart": "--link uart needs --clock, the frequency of "
    "the clock in Hz",
    "build {}/network.npz -o {}/other --link axi --clock 1e6": "--clock is for a serial line; "
    "give --link uart with it",
    "build {}/network.npz -o {}/other --single-core": "--single-core needs --link axi or --link "
    "wishbone, for its registers",
    "build {}/network.npz -o {}/other --single-core --link axi --cores 2": "--single-core needs a "
    "network on 1 core, but this is on 2",
    "build {}/network.npz -o {}/other --single-core --link axi --line serial": "--line joins "
    "chips; a single core has none, so leave it out",
    "build {}/network.npz -o {}/other --line serial": "Line must not be given for one chip, which "
    "has no other to be joined to",
    "build {}/network.npz -o {}/other --chips 2 --link uart --clock 12e6": "The root of several "
    "chips has link 'bytes', 'axi' or 'wishbone', not 'uart'",
    "build {}/network.npz -o {}/other --board icebreaker --line serial": "--line is for Verilog "
    "alone; leave it or --board out",
    "build {}/network.npz -o {}/other --record digits": "There is no population 'digits'; the "
    "network has 'in', 'out'",
    "build {}/network.npz -o {}/empty": "{}/empty is a file; give the name of a folder",
    f"run {PROGRAM} --url tcp://127.0.0.1:9 {SPIKES}": "Cannot connect to 127.0.0.1:9: nothing "
    "listens there; start the simulation or the bridge first",
    "serve {}/network.npz": "Give either --tcp PORT or --pty",
}


@pytest.mark.parametrize(("line", "sentence"), WRONG.items(), ids=range(len(WRONG)))
def test_an_error_of_the_user_is_one_sentence(folder: Path, line: str, sentence: str) -> None:
    before = sorted(folder.rglob("*"))
    filled = [argument.replace("{}", str(folder)) for argument in line.split()]
    result = spikeloom(*filled)
    sentence = sentence.replace("{}", str(folder))
    assert result.exit_code == 2
    assert result.stderr == f"Error: {sentence}\n"
    assert result.stdout == ""
    again = spikeloom(*filled, "--json")
    assert again.exit_code == 2
    assert report(again) == {"error": sentence}
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["network.npz", "built/program.spikeloom", "spikes.npy"])
def test_a_file_with_flipped_bytes_gives_no_traceback(
    folder: Path, tmp_path: Path, name: str, seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = bytearray((folder / name).read_bytes())
    for place in random.integers(0, len(content), 4):
        content[place] ^= int(random.integers(1, 256))
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    work = folder / "network.npz" if name == "spikes.npy" else broken
    spikes = broken if name == "spikes.npy" else folder / "spikes.npy"
    # A program cannot run on golden: one that is whole after all ends with that sentence.
    result = spikeloom("simulate", work, "--input", spikes, "--engine", "golden")
    assert result.exit_code in {0, 2}, result.exception
    assert result.stderr.count("\n") <= 1


def test_an_output_that_exists_stays_if_the_run_fails(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.npz"
    output.write_text("precious")
    common = ("--input", folder / "narrow.npy", "-o", output)
    assert spikeloom("simulate", folder / "network.npz", *common).exit_code == 2
    assert output.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [output]


def test_every_command_offers_json() -> None:
    for name, command in main.commands.items():
        options = [option.name for option in command.params if isinstance(option, click.Option)]
        assert "as_json" in options, name


def test_the_installed_command_runs_without_traceback(folder: Path) -> None:
    ran = subprocess.run([SPIKELOOM, "check", folder / "none"], capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr == f"Error: {folder}/none: no such file or directory\n"
    asked = subprocess.run([SPIKELOOM, "--version"], capture_output=True, text=True)
    assert asked.returncode == 0
    assert asked.stdout.startswith("spikeloom ")


def test_a_traceback_can_be_asked_for(folder: Path) -> None:
    environment = {**os.environ, "SPIKELOOM_TRACEBACK": "1"}
    command = [SPIKELOOM, "check", folder / "none"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "Traceback" in ran.stderr
