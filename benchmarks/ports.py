"""Cells of the ports of an accelerator, each part synthesised alone, beside the host port.

The window is that of the default chip.
"""

import tempfile
from pathlib import Path
from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped
from rich.console import Console
from rich.table import Table

from spikeloom_boards.ecp5 import LFE5U_85F
from spikeloom_boards.icebreaker import ICE40UP5K
from spikeloom_boards.synthesis import TOP, count_cells, synthesise_for
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.host.port import HostPort
from spikeloom_hw.link import word_layout
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.skid import Skid
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.axi_lite import AxiLite
from spikeloom_hw.wrap.gate import Gate
from spikeloom_hw.wrap.responder import Responder
from spikeloom_hw.wrap.wishbone import Wishbone
from spikeloom_hw.yosys import yosys_version

DEVICES = {"ECP5": LFE5U_85F, "iCE40": ICE40UP5K}
CONFIG = ChipConfig()
WINDOW = Window(CONFIG)


class RegisterPort(wiring.Component):
    """A slave with the responder behind it.

    Parameters
    ----------
    slave : AxiLite or Wishbone
        The slave.
    """

    def __init__(self, slave: AxiLite | Wishbone) -> None:
        self.slave, self.responder = slave, Responder(WINDOW)
        inside = ("accesses", "outcomes", "i", "o")
        self.outside: dict[str, tuple[Any, Any]] = {
            name: (part, member)
            for part in (self.slave, self.responder)
            for name, member in part.signature.members.items()
            if name not in inside
        }
        super().__init__({name: member for name, (_, member) in self.outside.items()})

    def elaborate(self, platform: Any) -> Module:
        """Connect both, and all else with the ports."""
        m = Module()
        m.submodules.slave, m.submodules.responder = self.slave, self.responder
        connect(m, self.slave.accesses, self.responder.i)
        connect(m, self.responder.o, self.slave.outcomes)
        for name, (part, member) in self.outside.items():
            inner, outer = getattr(part, name), getattr(self, name)
            if member.is_signature:
                connect(m, inner, flipped(outer))
            else:
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m


def parts() -> dict[str, wiring.Component]:
    """Give every part that is measured."""
    return {
        "AXI4-Lite": RegisterPort(AxiLite(WINDOW.bits)),
        "Wishbone": RegisterPort(Wishbone(WINDOW.bits)),
        "stream in: registers": Skid(unsigned(32)),
        "stream in: gate": Gate(unsigned(32)),
        "stream out: registers": Skid(word_layout()),
        "host port, in their place": HostPort(CONFIG.hash, CONFIG.window),
    }


def main() -> None:
    """Print a table."""
    columns = [f"{name} {kind}" for name in DEVICES for kind in ("LUT", "FF")]
    table = Table("part", *columns, title=f"Yosys {yosys_version()}, window 2^{WINDOW.bits} bytes")
    for name in parts():
        cells: list[int] = []
        for device in DEVICES.values():
            with tempfile.TemporaryDirectory(prefix="spikeloom-ports-") as temporary:
                folder = Path(temporary)
                (folder / "design.il").write_text(netlist_of(parts()[name], TOP))
                found = synthesise_for(device, ["design.il"], folder)[0]
                counted = count_cells(device, found)
            cells += [counted["lut"], counted["ff"]]
        table.add_row(name, *map(str, cells))
    Console().print(table)


if __name__ == "__main__":
    main()
