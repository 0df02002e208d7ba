"""The example of two chips joined by their line, of which the root has the port of a bus."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from spikeloom import Golden, Program, compile, emit
from spikeloom.host.memories import Memories
from spikeloom.host.readback import read_state
from spikeloom.host.session import Session
from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, pack
from spikeloom_hw.registers import ID, Control, Errors
from spikeloom_hw.window import Window
from spikeloom_sim.bus_access import Access, Outcome, Readback, loads_of
from spikeloom_sim.bus_cosim import cosimulate_buses
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.tools import find_tool

EXAMPLE = Path(__file__).parents[2] / "examples" / "integration" / "two_chips.v"
STEPS = 6
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=16,
    weight_rows=128,
    neuron_rows=16,
    populations=4,
    projections=8,
    sources=8,
    phases=4,
)


@dataclass(frozen=True)
class Emitted:
    folder: Path
    case: Case
    program: Program
    window: Window

    def whole(self, name: str, *changes: tuple[str, str]) -> Path:
        """The example and its chips in one file, as a simulation takes it."""
        text = EXAMPLE.read_text()
        names = (("module two_chips", f"module {name}"), ("= 16", f"= {self.window.bits}"))
        for old, new in (*names, *changes):
            assert text.count(old) == 1
            text = text.replace(old, new)
        chips = (self.folder / f"spikeloom{end}.v" for end in ("", "_chip1"))
        path = self.folder / f"{name}.v"
        path.write_text("".join([text, *(chip.read_text() for chip in chips)]))
        return path


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    case = random_case(8, CORE, steps=STEPS, largest=10)
    pins = {p.name: k % 2 for k, p in enumerate(case.network.neurons)}
    program = compile(case.network, ChipConfig(CORE, parents=(0,)), pins=pins)
    folder = tmp_path_factory.mktemp("nodes")
    emit(program, folder, link="axi")
    return Emitted(folder, case, program, Window(program.config))


def test_verilator_finds_nothing_in_the_example(emitted: Emitted) -> None:
    options = ("--lint-only", "-Wall", "--quiet", f"-GADDRESS_BITS={emitted.window.bits}")
    sources = (EXAMPLE, "spikeloom.v", "spikeloom_chip1.v")
    command = (find_tool("verilator"), *options, "--top-module", "two_chips", *sources)
    done = subprocess.run(
        list(map(str, command)), cwd=emitted.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def states_of(emitted: Emitted, session: Readback) -> dict[str, Any]:
    memories = Memories(cast(Session, session), emitted.program.config)
    placed = [p for p in emitted.program.populations if p.slices]
    return {p.name: read_state(memories, emitted.program, p) for p in placed}


def test_two_chips_give_what_golden_gives(emitted: Emitted) -> None:
    case, program, window = emitted.case, emitted.program, emitted.window
    assert {piece.core for p in program.populations for piece in p.slices} == {0, 1}
    writes = loads_of(program, window)
    clear = Access(window.registers["CONTROL"], Control.CLEAR)
    # Registers of the chip below are read while events go there.
    below = [Access(window.registers[f"{name}@1"]) for name in ("ID", "HASH_LOW")]
    told = [Access(window.registers[name]) for name in ("ERRORS", "ERRORS@1", "STEPS", "STEPS@1")]
    session = Readback(window)
    states_of(emitted, session)
    spikes = {name: train[:, 0] for name, train in case.spikes.items()}
    seen = cosimulate_buses(
        emitted.whole("whole"),
        "axi",
        encode_steps(spikes, program.inputs).tolist(),
        before=[*writes, *(Access(write.offset) for write in writes), clear],
        during=below,
        after=[*told, *session.accesses],
        steps=STEPS,
        seed=2,
    )
    loaded = [Outcome(False, write.value or 0) for write in writes]
    assert seen.before[len(writes) :] == [*loaded, Outcome(False)]
    known = [Outcome(False, ID), Outcome(False, program.config.hash & 0xFFFFFFFF)]
    assert seen.during and seen.during == known * (len(seen.during) // 2)
    assert [outcome.value for outcome in seen.after[:4]] == [0, 0, STEPS, STEPS]
    session.answer(seen.after[4:])

    golden = Golden(case.network)
    expected = golden.run(case.spikes)
    decoder = StepDecoder(program.recorded, STEPS, 0)
    decoder.feed(np.array(sum(seen.packets, []), np.uint32))
    for name, train in expected.spikes.items():
        assert train.any(), name
        assert np.array_equal(decoder.spikes[name], train[:, 0]), name
    assert golden.state is not None
    for name, members in states_of(emitted, session).items():
        for member, values in members.items():
            assert np.array_equal(values, getattr(golden.state[name], member)[0]), (name, member)


def test_a_line_that_is_cut_is_told_and_holds_nobody_up(emitted: Emitted) -> None:
    window = emitted.window
    cut = emitted.whole("cut", ("strobe_in(up_strobe_later)", "strobe_in(1'b0)"))
    here, below = window.memories["weights"], window.memories["weights@1"]
    errors = window.registers["ERRORS"]
    reset = Access(window.registers["CONTROL"], Control.RESET)
    listed = [
        (Access(window.registers["ID"]), Outcome(False, ID)),
        (Access(errors), Outcome(False, Errors.LINK_ERR)),
        (Access(errors, Errors.LINK_ERR), Outcome(False)),
        (Access(errors), Outcome(False, Errors.LINK_ERR)),
        (Access(window.registers["ID@1"]), Outcome(True)),
        (Access(below), Outcome(True)),
        (Access(below, 1), Outcome(True)),
        (Access(here), Outcome(True)),
        # From a reset on, the link is tried anew.
        (reset, Outcome(False)),
        (Access(errors), Outcome(False)),
    ]
    # What waits for the link fails once that has given up; events that come later are dropped.
    words = [pack(Kind.STEP, 0, 1)] * 20
    seen = cosimulate_buses(
        cut,
        "axi",
        words,
        before=[Access(window.registers["ID@1"])],
        after=[access for access, _ in listed],
        steps=1,
    )
    assert seen.before == [Outcome(True)]
    assert seen.packets == [[pack(Kind.END, 1, 0)]]
    assert seen.after == [outcome for _, outcome in listed]
