import os
import pty
import socket
import threading
import tty
from collections.abc import Callable

import pytest

from spikeloom.errors import LinkError
from spikeloom.host.serial_port import SerialPort
from spikeloom.host.session import Session
from spikeloom.host.transport import open_transport
from spikeloom_sim.device_model import DeviceModel


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "usb://1",
            (
                "^Link 'usb://1' has no known scheme: write serial:auto, serial:///dev/ttyUSB1 "
                "or tcp://host:port$"
            ),
        ),
        ("tcp://host", "^Link 'tcp://host' names no port: write tcp://host:port$"),
        ("tcp://:80", "^Link 'tcp://:80' names no host: write tcp://host:port$"),
        (
            "tcp://host:99999",
            "^Link 'tcp://host:99999' has no port from 1 to 65535: write tcp://host:port$",
        ),
        (
            "serial://",
            ("^Link 'serial://' names no serial port: write serial:///dev/ttyUSB1 or serial:auto$"),
        ),
        (
            "serial:///dev/x?baud=fast",
            "^Link 'serial:///dev/x\\?baud=fast' must give baud as a positive integer, not 'fast'$",
        ),
        (
            "serial:///dev/x?speed=1",
            (
                "^Link 'serial:///dev/x\\?speed=1' has an unknown option 'speed': "
                "known are baud, wait$"
            ),
        ),
        (
            "serial:///dev/x?wait=long",
            (
                "^Link 'serial:///dev/x\\?wait=long' must give wait as a number of seconds, "
                "not 'long'$"
            ),
        ),
        (
            "serial:auto?board=zx81",
            ("^Link 'serial:auto\\?board=zx81' names no board: 'zx81' is none of icebreaker, .*$"),
        ),
        (
            "serial:///dev/spikeloom-none",
            (
                "^Serial port /dev/spikeloom-none cannot be opened: "
                "there is no such port; check the cable and the name$"
            ),
        ),
    ],
)
def test_a_link_that_cannot_be_opened_says_why(url: str, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        open_transport(url)


def test_a_refused_connection_says_what_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message = (
        f"^Cannot connect to 127.0.0.1:{port}: "
        "nothing listens there; start the simulation or the bridge first$"
    )
    with pytest.raises(LinkError, match=message):
        open_transport(f"tcp://127.0.0.1:{port}")


def test_a_session_runs_over_tcp_until_the_device_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        transport = open_transport(f"tcp://127.0.0.1:{port}")
        session = Session(transport)
        session.connect()
        session.write(0, range(300))
        assert session.read(0, 300).tolist() == list(range(300))
        assert transport.read(0.0) == b""
        session.send_events([0xDEAD])
        thread.join()
        message = f"^The device closed the connection to 127.0.0.1:{port}$"
        with pytest.raises(LinkError, match=message):
            session.receive_events(5.0)
        session.close()
    with pytest.raises(LinkError, match="^The session was closed$"):
        session.read(0, 1)


def serve(server: socket.socket) -> None:
    """Be a device for one host, up to a word that ends it."""
    device = DeviceModel()
    connection, _ = server.accept()
    with connection:
        while True:
            received = connection.recv(4096)
            connection.sendall(device.feed(received))
            if b"\xad\xde" in received:
                return


def test_a_session_runs_over_a_serial_port_until_it_vanishes() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    device = DeviceModel()
    stop = threading.Event()

    def serve_port() -> None:
        while not stop.is_set():
            os.write(master, device.feed(os.read(master, 4096)))

    thread = threading.Thread(target=serve_port)
    thread.start()
    session = Session(open_transport(f"serial://{os.ttyname(slave)}?baud=115200"))
    session.connect()
    session.write(5, range(100))
    assert session.read(5, 100).tolist() == list(range(100))
    stop.set()
    session.write(0, [1])
    thread.join()
    os.close(slave)
    os.close(master)
    assert not session.vanished
    with pytest.raises(LinkError, match=r"^Serial port .* failed \(.*\): check whether .*$"):
        session.flush()
        session.read(0, 1)
    assert session.vanished
    session.close()


def test_a_port_where_nobody_answers_says_what_may_be_wrong() -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    message = (
        f"^No device answers on {name} at 115200 baud: check the port and the power of the board, "
        "and program it again, as an FPGA that lost power has lost its configuration$"
    )
    for _ in range(2):
        # The port is free again after the first time.
        with pytest.raises(LinkError, match=message):
            open_transport(f"serial://{name}?baud=115200&wait=0.01")
    os.close(slave)
    os.close(master)


def test_a_rate_that_the_port_does_not_have_says_so() -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    message = f"^Serial port {name} cannot do 99999999999 baud: .*: choose another rate$"
    with pytest.raises(LinkError, match=message):
        open_transport(f"serial://{name}?baud=99999999999")
    os.close(slave)
    os.close(master)


def test_a_serial_port_in_use_says_so() -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    port = SerialPort(name)
    message = f"^Serial port {name} cannot be opened: another program uses it; close that first$"
    with pytest.raises(LinkError, match=message):
        open_transport(f"serial://{name}")
    port.close()
    os.close(slave)
    os.close(master)


def test_a_port_that_is_pulled_out_while_rates_are_tried_is_no_missing_rate() -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    port = SerialPort(name)
    os.close(slave)
    os.close(master)
    message = rf"^Serial port {name} failed \(.*\): check whether it is still plugged in$"
    acts: list[Callable[[], object]] = [
        lambda: port.set_baud(115200),
        port.drain,
        port.discard,
        lambda: port.write(b"a"),
        lambda: port.read(0.1),
    ]
    for act in acts:
        with pytest.raises(LinkError, match=message):
            act()
    port.close()
