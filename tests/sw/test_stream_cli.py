"""``spikeloom stream`` prints what comes as it comes, and an account at the end or at Ctrl-C."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import IF, Golden, Integrator, Network, QuantisedNetwork, compile, quantise
from spikeloom.cli import main
from spikeloom.events import EVENT
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.server import TCPServer
from spikeloom_sim.structures import STRUCTURES

STEPS = 20
DT = 1000


def spikeloom_stream(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["stream", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def network() -> QuantisedNetwork:
    random = np.random.default_rng(3)
    network = Network()
    network.add_input("events", (2, 3, 4))
    network.add_population("out", 5, IF())
    network.add_population("sum", 2, Integrator())
    network.connect("events", "out", random.normal(0.5, 0.4, (24, 5)))
    network.connect("out", "sum", random.normal(0.5, 0.4, (5, 2)))
    return quantise(network, potential_width=20)


@pytest.fixture(scope="module")
def spikes() -> np.ndarray:
    spikes = np.random.default_rng(4).random((STEPS, 24)) < 0.1
    spikes[0, 0] = spikes[-1, -1] = True
    return spikes


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, network: QuantisedNetwork, spikes: np.ndarray
) -> Path:
    """Folder with a program and a recording."""
    place = tmp_path_factory.mktemp("stream")
    compile(network, ChipConfig(STRUCTURES["everything"])).save(place / "program.spikeloom")
    step, p, y, x = np.nonzero(spikes.reshape(STEPS, 2, 3, 4))
    events = np.zeros(len(step), EVENT)
    events["t"], events["x"], events["y"], events["p"] = step * DT, x, y, p
    np.save(place / "recording.npy", events)
    return place


def test_spikes_are_printed_as_they_come(
    folder: Path, network: QuantisedNetwork, spikes: np.ndarray
) -> None:
    files = folder / "program.spikeloom", folder / "recording.npy"
    result = spikeloom_stream(*files, "--simulate", "--show", "out")
    assert result.exit_code == 0, result.output
    expected = Golden(network).run(spikes)
    fired = expected.spikes["out"][:, 0]
    lines = [
        f"{k * DT / 1000:10.1f} ms  out: {' '.join(map(str, np.flatnonzero(fired[k])))}"
        for k in range(STEPS)
        if fired[k].any()
    ]
    assert len(lines) > 5
    counts = expected.counts("out")[0]
    most = f"Most came from out {counts.argmax()}: {counts.max()}"
    assert result.stdout.splitlines()[: len(lines) + 1] == [*lines, most]
    assert re.search(r"events dropped +0 *\n", result.stdout)
    assert re.search(r"late +0 steps, 0 events, worst 0\.0 ms *\n", result.stdout)


def test_machines_get_counts_and_account(
    folder: Path, network: QuantisedNetwork, spikes: np.ndarray
) -> None:
    with TCPServer(CompiledChip(compile(network, ChipConfig(STRUCTURES["everything"])))) as server:
        result = spikeloom_stream(
            folder / "program.spikeloom",
            folder / "recording.npy",
            *("--url", server.url, "--speed", 100, "--tolerance", 10, "--json"),
        )
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    expected = Golden(network).run(spikes).values["sum"][:, 0]
    assert values["population"] == "sum"
    assert values["counts"] == expected.sum(axis=0).tolist()
    assert values["told"] == expected.sum(axis=0).argmax()
    assert (values["steps"], values["events_sent"]) == (STEPS, spikes.sum())
    assert (values["late_steps"], values["dropped"], values["interrupted"]) == (0, {}, False)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_interrupt_ends_with_the_account(
    folder: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    def source(*_: object) -> Iterator[np.ndarray]:
        yield np.load(folder / "recording.npy")[:8]
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["spikeloom.cli.stream"], "open_events", source)
    files = folder / "program.spikeloom", folder / "recording.npy"
    result = spikeloom_stream(*files, "--simulate", "--ahead", 1, *form)
    assert result.exit_code == 130
    assert "Traceback" not in result.output
    if form:
        values = json.loads(result.stdout)
        assert values["interrupted"] is True
        assert values["events_read"] == 8
    else:
        assert "Stream, interrupted\n" in result.stdout
        assert re.search(r"events read +8 *\n", result.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give either --url or --simulate"),
        (("--simulate", "--url", "tcp://x:1"), "Give either --url or --simulate"),
        (
            ("--simulate", "--show", "nobody"),
            "Population 'nobody' is not recorded, but 'out', 'sum'",
        ),
        (("--simulate", "--dt", 0), "Binning dt must be at least 1, not 0"),
        (("--simulate", "--speed", -1), "Pacing speed must be positive, or None, not -1.0"),
        (
            ("--simulate", "--crop", 0, 0, "--pool", 0),
            "Binning pool must be at least 1, not 0",
        ),
        (
            ("--simulate", "--input", "out"),
            "There is no input 'out' with a shape; those with one are 'events'",
        ),
        (
            ("--url", "tcp://127.0.0.1:9"),
            (
                "Cannot connect to 127.0.0.1:9: nothing listens there; start the simulation or "
                "the bridge first"
            ),
        ),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    folder: Path, arguments: tuple[Any, ...], message: str
) -> None:
    files = folder / "program.spikeloom", folder / "recording.npy"
    result = spikeloom_stream(*files, *arguments)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {message}\n"


def test_a_file_that_is_no_recording_is_one_sentence(folder: Path) -> None:
    program = folder / "program.spikeloom"
    result = spikeloom_stream(program, program, "--simulate")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {program} has no ending of a file of events: .bin, ")
