"""A serial port as a transport, at the fastest rate at which the device answers without a fault."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import serial

from spikeloom_hw.host.frame import Frame

from ..errors import LinkError
from .negotiation import RATES, RateError, negotiate, probe

__all__ = ["SerialPort", "SerialTransport"]

WRITE_TIMEOUT = 10.0

try:
    from termios import error as _TerminalError
except ImportError:  # Windows has none, and raises OSError only.
    _TerminalError = OSError

_FAULTS = (OSError, _TerminalError)
_T = TypeVar("_T")


class SerialPort:
    """A serial port, taken for this process alone; all its faults are LinkErrors.

    Parameters
    ----------
    name : str
        Name of the port, like ``/dev/ttyUSB1``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._serial: Any = serial.Serial(
                name, timeout=0.0, write_timeout=WRITE_TIMEOUT, exclusive=True
            )
        except (*_FAULTS, ValueError) as error:
            cause = _open_cause(error)
            raise LinkError(f"Serial port {name} cannot be opened: {cause}") from error
        self._hurry()

    def set_baud(self, baud: int) -> None:
        """Change the rate; raises RateError if port or adapter cannot do it."""
        try:
            self._serial.baudrate = baud
        except (*_FAULTS, ValueError, OverflowError) as error:
            # A port that is gone can do no rate: that is told from a rate that it does not have.
            self._guard(lambda: self._serial.in_waiting)
            raise RateError(f"Serial port {self.name} cannot do {baud} baud: {error}") from error

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._guard(lambda: self._serial.write(data))

    def drain(self) -> None:
        """Wait until the port has handed over all bytes."""
        self._guard(self._serial.flush)

    def discard(self) -> None:
        """Forget what has come."""
        self._guard(self._serial.reset_input_buffer)

    def read(self, timeout: float) -> bytes:
        """Wait up to ``timeout`` seconds for bytes, and give all that came."""
        return self._guard(lambda: self._read(timeout))

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def _read(self, timeout: float) -> bytes:
        if self._serial.timeout != timeout:
            self._serial.timeout = timeout
        first = self._serial.read(1)
        return first + self._serial.read(self._serial.in_waiting) if first else b""

    def _guard(self, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except _FAULTS as error:
            raise LinkError(
                f"Serial port {self.name} failed ({error}): check whether it is still plugged in"
            ) from error

    def _hurry(self) -> None:
        """Ask the driver not to collect bytes; FTDI's keeps acknowledgements for 16 ms else."""
        hurry = getattr(self._serial, "set_low_latency_mode", None)
        try:
            if hurry is not None:
                hurry(True)
        except (*_FAULTS, ValueError):
            return


class SerialTransport:
    """A serial port to a device, which takes over the rate of the host.

    Parameters
    ----------
    port : str
        Name of the port, like ``/dev/ttyUSB1``.
    rates : sequence of int
        Bits a second to try, in this order. If it is a single one, the device is first asked
        without a change of its rate.
    wait : float
        Seconds to wait for each answer while rates are tried.
    ping : Frame or None
        PING of a session that is to go on; by default a new one.

    Attributes
    ----------
    port : str
        Name of the port.
    baud : int
        Rate that was agreed on.

    Raises
    ------
    LinkError
        If the port cannot be opened, or no device answers at any of the rates.
    """

    def __init__(
        self,
        port: str,
        rates: Sequence[int] = RATES,
        *,
        wait: float = 0.25,
        ping: Frame | None = None,
    ) -> None:
        self.port = port
        self._line = SerialPort(port)
        try:
            self.baud = self._agree(rates, wait, ping)
        except BaseException:
            self._line.close()
            raise

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._line.write(data)

    def read(self, timeout: float) -> bytes:
        """Wait for bytes."""
        return self._line.read(timeout)

    def close(self) -> None:
        """Close the port."""
        self._line.close()

    def _agree(self, rates: Sequence[int], wait: float, ping: Frame | None) -> int:
        if len(rates) == 1:
            try:
                self._line.set_baud(rates[0])
            except RateError as error:
                raise LinkError(f"{error}: choose another rate") from error
            self._line.discard()
            if probe(self._line, wait, ping) == "good":
                return rates[0]
        return negotiate(self._line, self.port, rates, wait, ping)


def _open_cause(error: Exception) -> str:
    """Say in words why a serial port cannot be opened."""
    text = str(error)
    if "exclusively lock" in text or "busy" in text:
        return "another program uses it; close that first"
    if "No such file" in text or "FileNotFound" in text:
        return "there is no such port; check the cable and the name"
    if "Permission" in text:
        return "permission denied; add your user to the group that owns it (often dialout)"
    return text
