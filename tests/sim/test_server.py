import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from spikeloom_hw.emit import verilog_of
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.server import PtyServer, TCPServer
from spikeloom_sim.tally import CLEAR, READ, Tally, tally


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tally") / "tally_of_bytes.v"
    path.write_text(verilog_of(Tally(), "tally_of_bytes"))
    return path


@pytest.fixture
def server(verilog: Path) -> Iterator[TCPServer]:
    with TCPServer(CompiledChip(verilog)) as server:
        yield server


def receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        more = connection.recv(65536)
        assert more
        received += more
    return received


def test_a_chip_is_reached_over_tcp(server: TCPServer) -> None:
    assert server.url == f"tcp://127.0.0.1:{server.port}"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(bytes([CLEAR, 5, 5, READ + 5]))
        assert receive(connection, 1) == b"\x02"


def test_the_chip_keeps_its_state_when_the_client_goes_and_another_comes(
    server: TCPServer,
) -> None:
    for count in (1, 2, 3):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            first = [CLEAR] if count == 1 else []
            connection.sendall(bytes([*first, 7, READ + 7]))
            assert receive(connection, 1) == bytes([count])


def test_a_client_that_leaves_in_the_middle_does_no_harm(server: TCPServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(bytes([CLEAR, *[READ] * 50_000]))
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(bytes([CLEAR, 9, READ + 9]))
        # What the chip still held for the one before comes first, as from a board.
        received = b""
        while not received.endswith(b"\x01"):
            received += receive(connection, 1)
        assert set(received[:-1]) <= {0}


def test_nothing_is_lost_when_the_client_does_not_read_for_long(server: TCPServer) -> None:
    script = bytes([CLEAR, *[1, READ + 1] * 400_000])
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        sender = threading.Thread(target=connection.sendall, args=(script,))
        sender.start()
        time.sleep(0.3)
        assert receive(connection, 400_000) == tally(script)
        sender.join()


def test_a_chip_is_reached_over_a_terminal_again_and_again(verilog: Path) -> None:
    every = bytes(range(READ))
    with PtyServer(CompiledChip(verilog)) as server:
        assert server.url == f"serial://{server.path}"
        for count in (1, 2):
            with serial.Serial(server.path, 3_000_000, timeout=10, exclusive=True) as port:
                port.write((bytes([CLEAR]) if count == 1 else b"") + every)
                port.write(bytes(READ + n for n in every))
                assert port.read(len(every)) == bytes([count] * len(every))


def test_all_bytes_pass_a_terminal_unchanged(verilog: Path) -> None:
    script = bytes([CLEAR, *[1, READ + 1] * 256])
    with PtyServer(CompiledChip(verilog)) as server:
        with serial.Serial(server.path, timeout=10) as port:
            port.write(script)
            assert port.read(256) == tally(script)


def test_a_server_stops_at_once_and_gives_the_port_free(verilog: Path) -> None:
    chip = CompiledChip(verilog)
    server = TCPServer(chip)
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(bytes([CLEAR, 3, READ + 3]))
        assert receive(connection, 1) == b"\x01"
        begin = time.monotonic()
        server.stop()
        server.stop()
        server.wait()
        assert time.monotonic() - begin < 5
        assert connection.recv(1) == b""
    with TCPServer(chip, port=server.port):
        pass
    assert chip.run(bytes([READ + 3]), cycles=1000, quiet=10, answered=True) == (b"\x01", 1)


def test_a_port_that_is_taken_is_refused(verilog: Path, server: TCPServer) -> None:
    with pytest.raises(OSError):
        TCPServer(CompiledChip(verilog), port=server.port)


def test_an_idle_server_sleeps(server: TCPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikeloom_sim.server._BUDGET", 100_000)
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(bytes([CLEAR, READ]))
        assert receive(connection, 1) == b"\x00"
        time.sleep(0.3)
        slept = server.chip.cycles
        time.sleep(0.1)
        assert server.chip.cycles == slept
        connection.sendall(bytes([READ]))
        assert receive(connection, 1) == b"\x00"


def test_the_terminal_is_gone_after_the_stop(verilog: Path) -> None:
    server = PtyServer(CompiledChip(verilog))
    with open(server.path, "rb", buffering=0) as terminal:
        server.stop()
        ready, _, _ = select.select([terminal], [], [], 5)
        assert ready
    assert not os.path.exists(server.path)
