"""The same tests for a simulation, a simulation with a serial line, and a board.

A board needs a bitstream of the demo network (``spikeloom demo``), built for any target; then
``pytest -m board --url serial:auto``.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, Program, QuantisedNetwork, compile
from spikeloom.demo.images import load_network
from spikeloom.host.session import Session
from spikeloom.host.transport import open_transport
from spikeloom.host.words import encode_steps
from spikeloom_boards.target import TARGETS
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES
from spikeloom_sim.uart_chip import CompiledSerialChip
from spikeloom_sim.uart_server import UartServer

CORE = STRUCTURES["all per population, skipping"]
STEPS = 10


@dataclass(frozen=True)
class Bench:
    """A device, by the way to open it, and what it is to run."""

    network: QuantisedNetwork
    program: Program
    spikes: dict[str, np.ndarray]
    open: Callable[[], Device]


@pytest.fixture(
    scope="module",
    params=["simulation", "serial line", pytest.param("board", marks=pytest.mark.board)],
)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        if request.param == "board":
            yield board_bench(request.config.getoption("--url"))
            return
        case = random_case(11, CORE, steps=STEPS)
        program = compile(case.network, ChipConfig(CORE))
        if request.param == "simulation":
            chip = CompiledChip(program)

            def open_device() -> Device:
                return Device(SimulatedTransport(chip), program)

        else:
            server = stack.enter_context(UartServer(CompiledSerialChip(program)))

            def open_device() -> Device:
                return Device.open(server.url + "?wait=1", program)

        yield Bench(case.network, program, case.spikes, open_device)


def board_bench(url: str | None) -> Bench:
    """Find out for which target the board was built."""
    if url is None:
        pytest.skip("needs a board: give its link, as in --url serial:auto")
    session = Session(open_transport(url))
    session.connect()
    there = session.config_hash
    session.close()
    network = load_network()
    for target in TARGETS:
        program = compile(network, target)
        if program.config.hash == there:
            chance = np.random.default_rng(1)
            spikes = chance.random((STEPS, 1, network.inputs[0].size)) < 0.1
            inputs = {network.inputs[0].name: spikes}
            return Bench(network, program, inputs, partial(Device.open, url, program))
    pytest.fail(f"The board has configuration {there:016x}, which is no target's with the demo")


def test_a_run_gives_what_golden_gives(bench: Bench) -> None:
    expected = Golden(bench.network).run(bench.spikes, potentials=True)
    assert sum(int(sent.sum()) for sent in expected.spikes.values()) > 0
    with bench.open() as device:
        recording = device.run(bench.spikes, potentials=True)
    assert expected.difference(recording) is None
    for name, potentials in expected.potentials.items():
        np.testing.assert_array_equal(recording.potentials[name], potentials)
    for name, count in expected.counters.items():
        assert recording.counters[name] == count


def test_time_goes_on_where_it_was(bench: Bench) -> None:
    expected = Golden(bench.network).run(bench.spikes)
    half = STEPS // 2
    with bench.open() as device:
        first = device.run({k: v[:half] for k, v in bench.spikes.items()}, reset=False)
        second = device.run({k: v[half:] for k, v in bench.spikes.items()}, reset=False)
    for name, sent in (expected.spikes | expected.values).items():
        parts = [(part.spikes | part.values)[name] for part in (first, second)]
        np.testing.assert_array_equal(np.concatenate(parts), sent)


def test_the_weights_are_those_of_the_network(bench: Bench) -> None:
    with bench.open() as device:
        for projection in bench.network.projections:
            ends = projection.source, projection.target
            same = [p for p in bench.network.projections if (p.source, p.target) == ends]
            if isinstance(projection, Dense) and len(same) == 1:
                np.testing.assert_array_equal(device.weights(*ends), projection.weights)


def test_a_host_that_leaves_in_a_step_leaves_nothing_behind(bench: Bench) -> None:
    sample = {name: array[:, 0] for name, array in bench.spikes.items()}
    words = encode_steps(sample, bench.program.inputs)
    with bench.open() as dying:
        dying.session.send_events(words[: len(words) // 2])
    expected = Golden(bench.network).run(bench.spikes)
    with bench.open() as device:
        assert expected.difference(device.run(bench.spikes)) is None
