"""Boards: a device, its clock, the line to the host, the shape of the hardware, a programmer."""

import pkgutil
from dataclasses import dataclass
from typing import Any

from spikeloom_hw.config import ChipConfig

from .device import SPRAM_BITS, Device
from .target import Target

__all__ = ["Board", "Link", "Programmer", "USBIdentity"]


@dataclass(frozen=True)
class USBIdentity:
    """What a bridge tells the host of itself, by which its serial port is found.

    Parameters
    ----------
    vendor, product : int
        Numbers of the USB device.
    interface : int or None
        Number of the interface that is the serial line; None if there is only one.
    """

    vendor: int
    product: int
    interface: int | None = None

    def __str__(self) -> str:
        """Write as ``lsusb`` does."""
        return f"{self.vendor:04x}:{self.product:04x}"


@dataclass(frozen=True)
class Link:
    """The serial line to the host.

    Parameters
    ----------
    through : str
        What carries it: the chip that bridges it to USB, or the pins where it comes out.
    baud : int
        Bits a second after power-up, which is the fastest that the bridge is good for.
    usb : tuple of USBIdentity
        What the bridge tells of itself; empty if the board has no bridge.
    """

    through: str
    baud: int
    usb: tuple[USBIdentity, ...] = ()


@dataclass(frozen=True)
class Programmer:
    """How a bitstream gets into the device.

    Parameters
    ----------
    board : str
        Name of the board in openFPGALoader.
    own : tuple of str
        Command of the board's own tool, which takes the bitstream last; empty if there is none.
    """

    board: str
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Board:
    """A board that Spikeloom builds for.

    Parameters
    ----------
    name : str
        Name on the command line, which is that of its target too.
    summary : str
        One line for people.
    device : Device
        Its part.
    platform : str
        Class with pins and clocks, as ``module:name``; a class of amaranth-boards where there is
        one.
    crystal : float
        Frequency of the clock of the board in Hz.
    frequency : float
        Frequency of the core in Hz.
    link : Link
        Line to the host.
    target : Target
        Shape of the hardware, unless another is asked for.
    programmer : Programmer
        How a bitstream gets into it.
    led : tuple of str and int, or None
        Resource of the light that shows activity, and its number.
    weight_bits : int
        Bits of RAM that weights may take.
    """

    name: str
    summary: str
    device: Device
    platform: str
    crystal: float
    frequency: float
    link: Link
    target: Target
    programmer: Programmer
    led: tuple[str, int] | None
    weight_bits: int

    @property
    def usb(self) -> tuple[USBIdentity, ...]:
        """What its bridge tells the host of itself."""
        return self.link.usb

    def weights_of(self, config: ChipConfig) -> int:
        """Bits of weights that a chip keeps, of the ``weight_bits`` that there are."""
        core = config.core
        return config.cores * core.weight_rows * core.lanes * core.weight_width

    def synapses(self, weight_width: int) -> int:
        """Dense synapses that its memory holds, if weights have so many bits."""
        return self.weight_bits // weight_width

    @property
    def neurons(self) -> int:
        """Most neurons of its target."""
        return self.target.neuron_rows * self.target.lanes

    def make_platform(self) -> Any:
        """Platform of Amaranth, which knows pins and clocks.

        Returns
        -------
        amaranth.build.Platform
            A fresh one, as each holds the pins that one design asked for.
        """
        return pkgutil.resolve_name(self.platform)()

    @property
    def weights_in_spram(self) -> bool:
        """Whether the weights lie in RAM with a single port."""
        return self.device.sprams * SPRAM_BITS >= self.weight_bits
