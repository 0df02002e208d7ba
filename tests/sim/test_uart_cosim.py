from pathlib import Path

import pytest

from spikeloom_hw.chip import SerialChip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.host.frame import Frame, FrameReader, FrameType
from spikeloom_hw.registers import ID, Register
from spikeloom_sim.cosim import Simulator
from spikeloom_sim.uart_cosim import cosimulate_line

CONFIG = ChipConfig(CoreConfig(lanes=1, update_lanes=1, weight_rows=16, neuron_rows=4))
SCRIPT = (
    Frame.of_words(FrameType.PING, 0, 0xC0FFEE).encode()
    + Frame.of_words(FrameType.READ, 1, Register.ID.value, 1).encode()
)


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("serial") / "serial_chip.v"
    # A read of what is just written gives X: nothing may depend on it.
    chip = SerialChip(CONFIG, 8, 2000)
    path.write_text(verilog_of(chip, "serial_chip", defined_collisions=False))
    return path


@pytest.mark.parametrize("simulator", ["icarus"])
@pytest.mark.parametrize(("bit", "pause"), [(8, 0), (6.25, 2000)])
def test_the_emitted_verilog_answers_at_any_rate(
    verilog: Path, simulator: Simulator, bit: float, pause: int
) -> None:
    outputs = cosimulate_line(verilog, [SCRIPT], bit=bit, break_cycles=pause, simulator=simulator)
    (output,) = outputs
    pong, data = FrameReader().feed(output)
    assert pong.type == FrameType.PONG
    assert data.words.tolist() == [Register.ID, ID]
