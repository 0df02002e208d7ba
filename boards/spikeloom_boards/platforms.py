"""Platforms of Amaranth that amaranth-boards lacks, or that need an option to be plain data."""

from typing import Any

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import GowinPlatform
from amaranth_boards.arty_a7 import ArtyA7_35Platform, ArtyA7_100Platform
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
from amaranth_boards.resources import LEDResources, UARTResource
from amaranth_boards.tang_nano_9k import TangNano9kPlatform

__all__ = [
    "Arty35Platform",
    "Arty100Platform",
    "OrangeCrabPlatform",
    "TangNano9KPlatform",
    "TangNano20KPlatform",
]


class OrangeCrabPlatform(OrangeCrabR0_2_25FPlatform):
    """OrangeCrab r0.2 with a serial line on the pins that a Feather has it on."""

    resources = [
        *OrangeCrabR0_2_25FPlatform.resources,
        UARTResource(
            0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
        ),
    ]


class TangNano9KPlatform(TangNano9kPlatform):
    """Tang Nano 9K, with the open tools."""

    def __init__(self) -> None:
        super().__init__(toolchain="Apicula")


class TangNano20KPlatform(GowinPlatform):
    """Tang Nano 20K, with the open tools; pins as in Sipeed's schematic 3921."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources = [
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), Attrs(IO_TYPE="LVCMOS33")),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
        Resource("button", 0, Pins("88", dir="i"), Attrs(IO_TYPE="LVCMOS33")),
        Resource("button", 1, Pins("87", dir="i"), Attrs(IO_TYPE="LVCMOS33")),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
        Resource("ws2812", 0, Pins("79", dir="o"), Attrs(IO_TYPE="LVCMOS33")),
    ]
    connectors: list[Any] = []

    def __init__(self) -> None:
        super().__init__(toolchain="Apicula")


class Arty35Platform(ArtyA7_35Platform):
    """Arty A7-35T, whose Verilog is written apart."""

    @property
    def file_templates(self) -> dict[str, str]:
        """Files of the build, with RTLIL in place of Verilog."""
        return _without_verilog(super().file_templates)


class Arty100Platform(ArtyA7_100Platform):
    """Arty A7-100T, whose Verilog is written apart."""

    @property
    def file_templates(self) -> dict[str, str]:
        """Files of the build, with RTLIL in place of Verilog."""
        return _without_verilog(super().file_templates)


def _without_verilog(templates: dict[str, str]) -> dict[str, str]:
    """Replace the Verilog, for which Amaranth would look for another Yosys."""
    rest = {name: text for name, text in templates.items() if not name.endswith(".v")}
    return {**rest, "{{name}}.il": "{{emit_rtlil()}}"}
