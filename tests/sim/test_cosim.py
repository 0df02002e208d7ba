import random
import re
from pathlib import Path
from typing import Any, cast

import pytest

from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.host.frame import Frame, FrameType
from spikeloom_sim.bench import simulate_bytes
from spikeloom_sim.compiled import CompiledChip, emitted_verilog
from spikeloom_sim.cosim import Simulator, cosimulate
from spikeloom_sim.tally import CLEAR, READ, Tally, tally
from spikeloom_sim.tools import SimulationError

SMALL = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=32, neuron_rows=4))
SIMULATORS: tuple[Simulator, ...] = ("icarus", "verilator")


def random_script(seed: int, length: int = 300) -> bytes:
    pick = random.Random(seed)
    return bytes([CLEAR, *(pick.choice((0, READ)) + pick.randrange(8) for _ in range(length))])


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tally") / "tally_of_bytes.v"
    path.write_text(verilog_of(Tally(), "tally_of_bytes"))
    return path


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_cosimulation_agrees_with_the_other_simulations_on_each_cycle(
    verilog: Path, simulator: Simulator
) -> None:
    scripts = [random_script(seed) for seed in range(3)]
    exchanges = cosimulate(verilog, scripts, simulator=simulator)
    assert exchanges == simulate_bytes(Tally(), scripts)
    chip = CompiledChip(verilog)
    assert exchanges == [chip.exchange(script) for script in scripts]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pauses_do_not_change_the_bytes(verilog: Path, simulator: Simulator, seed: int) -> None:
    scripts = [random_script(seed), b"", random_script(seed + 10)]
    exchanges = cosimulate(verilog, scripts, simulator=simulator, seed=seed)
    assert [e.output for e in exchanges] == [tally(script) for script in scripts]
    assert exchanges[0].cycles > simulate_bytes(Tally(), scripts[:1])[0].cycles
    assert exchanges[1].cycles == 0


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_whole_chip_is_the_same_in_every_simulation(simulator: Simulator) -> None:
    ping = [b"\0" + Frame.of_words(FrameType.PING, 0, nonce).encode() for nonce in (1, 2)]
    expected = simulate_bytes(Chip(SMALL), ping, patience=300)
    assert expected[0].output
    assert cosimulate(emitted_verilog(SMALL), ping, simulator=simulator) == expected


def test_icarus_shows_a_word_that_nobody_wrote(verilog: Path) -> None:
    text = (
        "^Script 1 on tally_of_bytes.v failed: byte 0 of the output is XXXXXXXX, "
        "which is no number$"
    )
    with pytest.raises(SimulationError, match=text):
        cosimulate(verilog, [b"", bytes([READ + 3])])


def test_verilog_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.v"
    path.write_text("module broken(;\n")
    with pytest.raises(SimulationError) as caught:
        cosimulate(path, [b""])
    found = re.fullmatch(
        r"Compiling broken\.v for icarus failed; what it said is in (\S+)", str(caught.value)
    )
    assert found
    assert "syntax error" in Path(found[1]).read_text()
    Path(found[1]).unlink()


def test_an_unknown_simulator_is_refused(verilog: Path) -> None:
    text = "^Simulator must be one of icarus, verilator, not 'questa'$"
    with pytest.raises(ValueError, match=text):
        cosimulate(verilog, [b""], simulator=cast(Any, "questa"))
