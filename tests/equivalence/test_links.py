"""Chips joined by real links: as golden says, or LINK_ERR; over noisy wires, and over TCP."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest

from spikeloom import (
    Dense,
    Device,
    Golden,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom.core_report import report_chips
from spikeloom.errors import DeviceError, LinkError
from spikeloom.estimate import estimate
from spikeloom.host.memories import LINK_FAILED
from spikeloom.host.script import read_run, script_of
from spikeloom.link_costs import LinkCosts
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.interchip import ByteLine, LinkParameters
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.noisy_tree import CompiledNoisyTree, Noise
from spikeloom_sim.random_network import random_case
from spikeloom_sim.scaleout import Wired, compiled_chip
from spikeloom_sim.server import TCPServer

STEPS = 6
LIMIT = 5_000_000  # more cycles than anything here takes
RUNS = 6
CHAIN = (0, 1)
FORMS = (0, 4)  # the upper link is parallel, the lower one serial
WIRES = 4  # cycles that the wires take
CASES = (4, 5, 6, 7, 8, 13, 15, 17)  # networks that are awake
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=16,
    weight_rows=512,
    neuron_rows=16,
    populations=4,
    projections=8,
    sources=8,
    phases=4,
)
GAVE_UP = (
    "The link between chip 1 and the one above it gave up, and the device stopped; check wires and "
    "power of the chips, then restart the device"
)


def drawn(seed: int, parents: tuple[int, ...]) -> tuple[Program, dict[str, Any], Any]:
    """Draw a network, cut over chips, its input, and what the golden model makes of it."""
    case = random_case(seed, CORE, steps=STEPS, largest=16)
    cut = cut_over_chips(compile(case.network, ChipConfig(CORE)), 1, parents, seed)
    sample = {name: array[:, 0] for name, array in case.spikes.items()}
    return cut, sample, Golden(case.network).run(case.spikes)


@cache
def noisy_tree() -> CompiledNoisyTree:
    return CompiledNoisyTree(drawn(CASES[0], CHAIN)[0].config, FORMS)


def is_over(program: Program, output: bytes) -> bool:
    """Tell whether a run has come to an end; raises DeviceError if that is LINK_ERR."""
    try:
        read_run(program, output, STEPS)
    except LinkError:
        return False
    return True


def test_no_spike_is_wrong_over_wires_with_faults_through_two_links() -> None:
    faults = resent = spikes = 0
    for seed in range(RUNS):
        program, sample, golden = drawn(CASES[seed % len(CASES)], CHAIN)
        script, over = script_of(program, sample), partial(is_over, program)
        output, trouble = noisy_tree().exchange(script, Noise(seed + 1, 1e-3), over, LIMIT)
        assert golden.difference(read_run(program, output, STEPS)) is None, f"run {seed}"
        faults, resent = faults + trouble.faults, resent + trouble.resent
        spikes += sum(int(array.sum()) for array in golden.spikes.values())
    assert min(faults, resent, spikes) > RUNS


def test_a_link_that_gives_up_is_reported_and_taken_up_again() -> None:
    tree = noisy_tree()
    program, sample, golden = drawn(CASES[0], CHAIN)
    tree.begin(Noise(1, 0.0))
    with Device(SimulatedTransport(tree.chip), program) as device:
        assert golden.difference(device.run(sample)) is None
        before = tree.chip.cycles
        tree.disturb(Noise(1, 0.3))
        with pytest.raises(DeviceError, match=f"^{re.escape(GAVE_UP)}$"):
            device.run(sample)
        assert tree.chip.cycles - before < 2 * tree.patience
        tree.disturb(Noise(1, 0.0))
        device.restart()
        recording = device.run(sample)
    assert golden.difference(recording) is None
    assert recording.counters["events"] > 0


@pytest.mark.parametrize("active", [0, 2, 8, 24])
def test_what_links_carry_is_told(active: int) -> None:
    neuron = NeuronParameters(threshold=1)
    sizes = {"in": 24, "there": 8, "here": 8}
    populations = [
        QuantisedPopulation(name, size, neuron if name != "in" else None)
        for name, size in sizes.items()
    ]
    ends = (("in", "there"), ("there", "here"))
    projections = [Dense(a, b, np.ones((sizes[a], sizes[b]), int)) for a, b in ends]
    network = QuantisedNetwork(tuple(populations), tuple(projections), accumulator_width=16)
    config = drawn(CASES[0], (0,))[0].config
    tree = CompiledNoisyTree(config, (0,))
    program = compile(network, config, pins={"there": 1, "here": 0})
    spikes = np.zeros((20, 24), bool)
    spikes[:, :active] = True
    golden = Golden(network).run(spikes)
    tree.begin(Noise(1, 0.0))
    with Device(SimulatedTransport(tree.chip), program) as device:
        recording = device.run(spikes)
    assert golden.difference(recording) is None
    seen = {name: float(train.mean()) for name, train in golden.spikes.items()}
    activity = {**seen, "in": active / 24}
    (link,) = report_chips(program, activity)
    # The core there hears what goes down, and the one here what comes up.
    assert recording.counters["events"] == pytest.approx(20 * (link.up + link.down))
    parts = ("integrate", "update", "control")
    cycles = sum(recording.counters[f"cycles_{part}"] for part in parts)
    told = estimate(program, activity, links=LinkCosts.of(config, delay=WIRES))
    assert cycles == pytest.approx(20 * told.core, rel=0.08)
    assert cycles > 20 * max(link.turns, link.busy)


@contextmanager
def processes(
    program: Program, folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], CompiledChip, Device]]:
    """Run chip 1 in a process of its own, and the root here, with a device open on it."""
    path = folder / "program.npz"
    program.save(path)
    command = [sys.executable, "-m", "spikeloom_sim.scaleout", str(path), "--chip", "1"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = f"127.0.0.1:{listener.getsockname()[1]}"
        branch = subprocess.Popen([*command, "--parent", here])
        root = compiled_chip(program.config, 0)
        child = listener.accept()[0]
    with child:
        with TCPServer(Wired(root, [child])) as server, Device.open(server.url, program) as device:
            yield branch, root, device


def test_chips_in_processes_of_their_own_are_one_device(tmp_path: Path) -> None:
    program, sample, golden = drawn(CASES[3], (0,))
    with processes(program, tmp_path) as (branch, _, device):
        recordings = [device.run(sample) for _ in range(2)]
    assert branch.wait(60) == 0
    assert [golden.difference(recording) for recording in recordings] == [None, None]
    assert all(array.any() for array in golden.spikes.values())


def test_a_chip_whose_process_is_killed_is_told_at_once(tmp_path: Path) -> None:
    program, sample, _ = drawn(CASES[3], (0,))
    with processes(program, tmp_path) as (branch, root, device):
        branch.send_signal(signal.SIGSTOP)
        Timer(0.2, branch.kill).start()
        with pytest.raises(DeviceError, match=f"^{re.escape(GAVE_UP)}$"):
            device.run(sample)
        assert branch.wait(60) == -signal.SIGKILL
        before = root.cycles
        for ask in (partial(device.run, sample), device.restart):
            with pytest.raises(DeviceError, match=f"^{re.escape(LINK_FAILED)}$"):
                ask()
        # The link by itself would give up after so many cycles.
        assert root.cycles - before < LinkParameters.fit(35, ByteLine.byte_cycles).patience // 10
