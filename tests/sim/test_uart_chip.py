from collections.abc import Iterator

import pytest
import serial

from spikeloom.host.negotiation import RATES
from spikeloom.host.serial_port import SerialTransport
from spikeloom.host.session import Session
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.host.frame import Frame, FrameReader, FrameType
from spikeloom_hw.registers import regions
from spikeloom_sim.compiled import emitted_verilog
from spikeloom_sim.structures import STRUCTURES
from spikeloom_sim.tools import SimulationError
from spikeloom_sim.uart_chip import CompiledSerialChip, SerialLine
from spikeloom_sim.uart_server import UartServer
from spikeloom_sim.uart_transport import UartTransport

CONFIG = ChipConfig(STRUCTURES["all per population, skipping"])
PING = b"\0" + Frame.of_words(FrameType.PING, 0, 0xC0FFEE).encode()


@pytest.fixture(scope="module")
def chip() -> CompiledSerialChip:
    return CompiledSerialChip(CONFIG)


@pytest.fixture
def server(chip: CompiledSerialChip) -> Iterator[UartServer]:
    chip.reset()
    with UartServer(chip) as server:
        yield server


def pongs(line: SerialLine) -> int:
    line.send(PING)
    cycles = round(1000 * line.chip.frequency / line.baud)
    return len(FrameReader().feed(line.advance(cycles)))


def negotiated(line: SerialLine, baud: float) -> int:
    line.set_baud(9600)
    line.send(b"\0")
    line.set_baud(baud)
    line.send(b"\x55")
    return pongs(line)


def test_a_chip_answers_at_three_megabaud_after_its_reset(chip: CompiledSerialChip) -> None:
    chip.reset()
    assert pongs(SerialLine(chip)) == 1
    assert pongs(SerialLine(chip, 2e6)) == 0


@pytest.mark.parametrize("baud", [4e6, 3e6, 1_234_567, 921_600, 230_400])
def test_a_chip_takes_over_any_rate(chip: CompiledSerialChip, baud: float) -> None:
    chip.reset()
    assert negotiated(SerialLine(chip), baud) == 1


def test_what_comes_while_the_line_is_drained_is_kept(chip: CompiledSerialChip) -> None:
    chip.reset()
    line = SerialLine(chip)
    line.send(PING * 40)
    line.drain(1000)
    assert 0 < line.waiting <= 1000
    reader, frames = FrameReader(), []
    for _ in range(50):
        received, taken = line.run(cycles=1000)
        frames += reader.feed(received)
        assert taken == 0
    # Answers that wait while others are sent are merged.
    assert {frame.type for frame in frames} == {FrameType.PONG}
    assert len(frames) > 10 and reader.unreadable == 0


def test_a_client_of_the_terminal_gets_the_rate_that_it_asks_for(server: UartServer) -> None:
    for baud in (3_000_000, 1_234_567):
        transport = SerialTransport(server.path, [baud], wait=1.0)
        assert transport.baud == server.line.baud == baud
        session = Session(transport)
        session.connect()
        assert session.config_hash == CONFIG.hash
        session.close()


def test_a_client_of_the_terminal_finds_the_fastest_rate(server: UartServer) -> None:
    transport = SerialTransport(server.path, wait=1.0)
    assert transport.baud == RATES[0]
    transport.close()


def test_a_client_at_a_wrong_rate_gets_garbage_or_nothing(server: UartServer) -> None:
    with serial.Serial(server.path, 1_700_000, timeout=0.5) as port:
        port.write(PING)
        assert FrameReader().feed(port.read(1000)) == []


def test_a_chip_with_streams_has_no_pins() -> None:
    path = emitted_verilog(CONFIG)
    message = f"^{path} has no module spikeloom with pins rx and tx: emit it with link='uart'$"
    with pytest.raises(SimulationError, match=message):
        CompiledSerialChip(path)


def test_a_closed_chip_says_so() -> None:
    chip = CompiledSerialChip(CONFIG)
    chip.close()
    chip.close()
    with pytest.raises(SimulationError, match="^The simulated chip was closed$"):
        chip.run([], 10)


@pytest.mark.parametrize("poll", [0.0, 0.0002])
def test_a_session_runs_on_the_clock_of_the_simulation(
    chip: CompiledSerialChip, poll: float
) -> None:
    chip.reset()
    link = UartTransport(chip, poll=poll)
    session = Session(link, clock=link.clock)
    session.connect()
    begin, sent = link.clock(), link.sent
    words = list(range(500))
    session.write(regions(CONFIG)["weights"].base, words)
    session.flush()
    # Ten bits a byte, a little for each answer, and no byte sent twice.
    line = (link.sent - sent) * 10 / 3e6
    assert link.sent - sent < 1.05 * 4 * len(words) + 40
    assert line <= link.clock() - begin < 1.1 * line + 12 * poll
    session.close()


def test_a_transfer_comes_at_its_time(chip: CompiledSerialChip) -> None:
    chip.reset()
    link = UartTransport(chip, poll=0.001)
    link.write(PING)
    assert link.read(0.0004) == b""
    received = link.read(1.0)
    assert len(FrameReader().feed(received)) == 1
    assert chip.cycles % 24_000 == 0
