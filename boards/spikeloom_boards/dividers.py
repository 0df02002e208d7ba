"""Settings of PLLs: dividers that make one frequency from another, within the data sheet."""

from dataclasses import dataclass

from .device import Device, Family

__all__ = ["Dividers", "Limits", "find_dividers", "limits_of"]

_TOLERANCE = 1e-3

Range = tuple[float, float]


@dataclass(frozen=True)
class Limits:
    """What a PLL can do.

    Parameters
    ----------
    reference, feedback : range
        Dividers of the input and of the loop.
    post : tuple of int
        Dividers from the oscillator to the output.
    post_in_loop : bool
        Whether the output, and not the oscillator, is fed back.
    source, compare, oscillator, output : tuple of two floats
        Lowest and highest frequency in Hz of the input, of what the phase detector compares, of
        the oscillator and of the output.
    """

    reference: range
    feedback: range
    post: tuple[int, ...]
    post_in_loop: bool
    source: Range
    compare: Range
    oscillator: Range
    output: Range


@dataclass(frozen=True)
class Dividers:
    """Setting of a PLL.

    Parameters
    ----------
    reference, feedback, post : int
        Dividers of the input, of the loop and of the output.
    oscillator, output : float
        Frequencies in Hz.
    """

    reference: int
    feedback: int
    post: int
    oscillator: float
    output: float


_POWERS = tuple(1 << k for k in range(1, 7))
# FPGA-DS-02008, sysCLOCK PLL timing; the loop is closed at the oscillator.
_ICE40 = Limits(
    reference=range(1, 17),
    feedback=range(1, 129),
    post=_POWERS,
    post_in_loop=False,
    source=(10e6, 133e6),
    compare=(10e6, 133e6),
    oscillator=(533e6, 1066e6),
    output=(16e6, 275e6),
)
# FPGA-DS-02012, sysCLOCK PLL timing.
_ECP5 = Limits(
    reference=range(1, 129),
    feedback=range(1, 129),
    post=tuple(range(1, 129)),
    post_in_loop=True,
    source=(8e6, 400e6),
    compare=(10e6, 400e6),
    oscillator=(400e6, 800e6),
    output=(3.125e6, 400e6),
)
_GOWIN_POST = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
# DS117, PLL of the GW1NR-9, C6/I5.
_GW1NR = Limits(
    reference=range(1, 65),
    feedback=range(1, 65),
    post=_GOWIN_POST,
    post_in_loop=True,
    source=(3e6, 400e6),
    compare=(3e6, 400e6),
    oscillator=(400e6, 1200e6),
    output=(3.125e6, 600e6),
)
# DS226, PLL of the GW2AR-18, C8/I7.
_GW2AR = Limits(
    reference=range(1, 65),
    feedback=range(1, 65),
    post=_GOWIN_POST,
    post_in_loop=True,
    source=(3e6, 500e6),
    compare=(3e6, 500e6),
    oscillator=(500e6, 1250e6),
    output=(3.90625e6, 625e6),
)
# DS181, PLL switching characteristics, speed grade -1L.
_XILINX = Limits(
    reference=range(1, 57),
    feedback=range(2, 65),
    post=tuple(range(1, 129)),
    post_in_loop=False,
    source=(19e6, 800e6),
    compare=(19e6, 450e6),
    oscillator=(800e6, 1600e6),
    output=(6.25e6, 800e6),
)


def limits_of(device: Device) -> Limits:
    """What the PLLs of a device can do, from its data sheet."""
    if device.family is Family.GOWIN:
        return _GW2AR if device.part.startswith("GW2A") else _GW1NR
    return {Family.ICE40: _ICE40, Family.ECP5: _ECP5, Family.XILINX: _XILINX}[device.family]


def find_dividers(device: Device, source: float, wanted: float) -> Dividers:
    """Find the setting that comes closest to a frequency.

    Among equals, the one that compares at the highest frequency, with the oscillator nearest to
    the middle of its range, which has the least jitter.

    Parameters
    ----------
    device : Device
        Part with the PLL.
    source, wanted : float
        Frequency of the input and of the output in Hz.

    Raises
    ------
    ValueError
        If no setting comes within a thousandth of it.
    """
    limits = limits_of(device)
    found = [d for d in _settings(limits, source, wanted) if _within(d.output, limits.output)]
    middle = sum(limits.oscillator) / 2
    best = min(
        found,
        key=lambda d: (
            round(abs(d.output / wanted - 1), 6),
            d.reference,
            abs(d.oscillator - middle),
        ),
        default=None,
    )
    if best is not None and abs(best.output / wanted - 1) <= _TOLERANCE:
        return best
    nearest = "" if best is None else f"; the nearest that it can is {best.output / 1e6:.6g} MHz"
    raise ValueError(
        f"The PLL of {device.part} cannot make {wanted / 1e6:g} MHz from {source / 1e6:g} MHz"
        + nearest
    )


def _settings(limits: Limits, source: float, wanted: float) -> list[Dividers]:
    """All settings with the loop divider that comes closest, where every limit is kept."""
    if not _within(source, limits.source):
        return []
    found = []
    for reference in limits.reference:
        compare = source / reference
        if not _within(compare, limits.compare):
            continue
        for post in limits.post:
            outside = 1 if limits.post_in_loop else post
            feedback = round(wanted * outside / compare)
            output = compare * feedback / outside
            if feedback in limits.feedback and _within(output * post, limits.oscillator):
                found.append(Dividers(reference, feedback, post, output * post, output))
    return found


def _within(frequency: float, limits: Range) -> bool:
    return limits[0] <= frequency <= limits[1]
