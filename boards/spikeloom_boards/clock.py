"""PLLs: from the clock of a board to that of the core, on each family."""

from typing import Any

from amaranth.hdl import Const, Instance, Module, Signal

from .device import Device, Family
from .dividers import Dividers, find_dividers

__all__ = ["make_pll"]

# FILTER_RANGE of the SB_PLL40 by the highest frequency that it compares (FPGA-TN-02052).
_FILTERS = ((17e6, 1), (26e6, 2), (44e6, 3), (66e6, 4), (101e6, 5), (133e6, 6))


def make_pll(
    device: Device, source: float, wanted: float, pin: Any, clock: Signal
) -> tuple[Module, Signal]:
    """Make a PLL between a pin and a clock.

    Parameters
    ----------
    device : Device
        Part that it is for.
    source, wanted : float
        Frequency of the pin and of the clock in Hz.
    pin : IOValue
        Pin with the clock of the board.
    clock : Signal
        Driven by the PLL.

    Returns
    -------
    Module
        What has to become a submodule.
    Signal
        Whether the clock is good.

    Raises
    ------
    ValueError
        If the PLL cannot do it.
    """
    dividers = find_dividers(device, source, wanted)
    m, locked = Module(), Signal()
    if device.family is Family.ICE40:
        m.submodules.pll = _ice40(dividers, source, pin, clock, locked)
        return m, locked
    buffered = Signal()
    if device.family is Family.ECP5:
        m.submodules.buffer = Instance("IB", i_I=pin, o_O=buffered)
        m.submodules.pll = _ecp5(dividers, source, buffered, clock, locked)
    elif device.family is Family.GOWIN:
        m.submodules.buffer = Instance("IBUF", i_I=pin, o_O=buffered)
        m.submodules.pll = _gowin(device, dividers, source, buffered, (clock, locked))
    else:
        m.submodules.buffer = Instance("IBUF", i_I=pin, o_O=buffered)
        unbuffered = Signal()
        m.submodules.pll = _xilinx(dividers, source, buffered, unbuffered, locked)
        m.submodules.global_buffer = Instance("BUFG", i_I=unbuffered, o_O=clock)
    return m, locked


def _ice40(dividers: Dividers, source: float, pin: Any, clock: Signal, locked: Signal) -> Instance:
    """PLL at the pad of the clock, which needs no buffer."""
    compare = source / dividers.reference
    return Instance(
        "SB_PLL40_PAD",
        p_FEEDBACK_PATH="SIMPLE",
        p_PLLOUT_SELECT="GENCLK",
        p_DIVR=dividers.reference - 1,
        p_DIVF=dividers.feedback - 1,
        p_DIVQ=dividers.post.bit_length() - 1,
        p_FILTER_RANGE=next(setting for most, setting in _FILTERS if compare <= most),
        i_PACKAGEPIN=pin,
        i_RESETB=1,
        i_BYPASS=0,
        o_PLLOUTGLOBAL=clock,
        o_LOCK=locked,
    )


def _ecp5(
    dividers: Dividers, source: float, buffered: Signal, clock: Signal, locked: Signal
) -> Instance:
    return Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{source / 1e6:g}",
        a_FREQUENCY_PIN_CLKOP=f"{dividers.output / 1e6:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_FEEDBK_PATH="CLKOP",
        p_CLKI_DIV=dividers.reference,
        p_CLKFB_DIV=dividers.feedback,
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=dividers.post,
        p_CLKOP_CPHASE=dividers.post - 1,
        p_CLKOP_FPHASE=0,
        i_RST=0,
        i_STDBY=0,
        i_CLKI=buffered,
        i_CLKFB=clock,
        i_ENCLKOP=0,
        i_PHASESEL0=0,
        i_PHASESEL1=0,
        i_PHASEDIR=1,
        i_PHASESTEP=1,
        i_PHASELOADREG=1,
        i_PLLWAKESYNC=0,
        o_CLKOP=clock,
        o_LOCK=locked,
    )


def _gowin(
    device: Device, dividers: Dividers, source: float, buffered: Signal, outputs: Any
) -> Instance:
    clock, locked = outputs
    return Instance(
        "rPLL",
        p_DEVICE=device.part,
        p_FCLKIN=f"{source / 1e6:g}",
        p_IDIV_SEL=dividers.reference - 1,
        p_FBDIV_SEL=dividers.feedback - 1,
        p_ODIV_SEL=dividers.post,
        p_DYN_IDIV_SEL="false",
        p_DYN_FBDIV_SEL="false",
        p_DYN_ODIV_SEL="false",
        p_CLKFB_SEL="internal",
        i_CLKIN=buffered,
        i_CLKFB=0,
        i_RESET=0,
        i_RESET_P=0,
        **{f"i_{name}": Const(0, 6) for name in ("FBDSEL", "IDSEL", "ODSEL")},
        **{f"i_{name}": Const(0, 4) for name in ("PSDA", "DUTYDA", "FDLY")},
        o_CLKOUT=clock,
        o_LOCK=locked,
    )


def _xilinx(
    dividers: Dividers, source: float, buffered: Signal, unbuffered: Signal, locked: Signal
) -> Instance:
    looped = Signal()
    return Instance(
        "PLLE2_BASE",
        p_CLKIN1_PERIOD=1e9 / source,
        p_DIVCLK_DIVIDE=dividers.reference,
        p_CLKFBOUT_MULT=dividers.feedback,
        p_CLKOUT0_DIVIDE=dividers.post,
        i_CLKIN1=buffered,
        i_CLKFBIN=looped,
        i_RST=0,
        i_PWRDWN=0,
        o_CLKFBOUT=looped,
        o_CLKOUT0=unbuffered,
        o_LOCKED=locked,
    )
