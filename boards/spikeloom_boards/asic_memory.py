"""Memories of a design as macros: instances by size and ports, and behavioural models of them."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from amaranth.utils import ceil_log2

__all__ = ["Macro", "PlacedMemory", "extract_memories", "model_of"]

_KIND = "$mem_v2"
_NUMBERS = (
    "ABITS",
    "RD_CLK_ENABLE",
    "RD_PORTS",
    "RD_TRANSPARENCY_MASK",
    "SIZE",
    "WIDTH",
    "WR_PORTS",
)


@dataclass(frozen=True, order=True)
class Macro:
    """Shape of a memory macro.

    Parameters
    ----------
    ports : str
        ``"1r1w"`` for a read and a write port, ``"1rw"`` for one port for both.
    depth : int
        Rows.
    width : int
        Bits of a row.
    groups : int
        Parts of a row, of the same width, that can be written alone.
    """

    ports: str
    depth: int
    width: int
    groups: int = 1

    @property
    def name(self) -> str:
        """Name of the module."""
        groups = f"w{self.groups}" if self.groups > 1 else ""
        return f"spikeloom_ram_{self.ports}_{self.depth}x{self.width}{groups}"

    @property
    def pins(self) -> dict[str, tuple[str, int]]:
        """Direction and width of every pin."""
        address = ("input", ceil_log2(self.depth))
        enable, data = ("input", self.groups), ("input", self.width)
        pins = {"clk": ("input", 1)}
        if self.ports == "1rw":
            pins |= {"ce": ("input", 1), "we": enable, "addr": address, "d": data}
        else:
            pins |= {"we": enable, "waddr": address, "d": data}
            pins |= {"re": ("input", 1), "raddr": address}
        return pins | {"q": ("output", self.width)}


@dataclass(frozen=True)
class PlacedMemory:
    """A memory of the design.

    Parameters
    ----------
    name : str
        Where it is in the design; the names of its instances begin so.
    depth, width : int
        Rows, and bits of each.
    macro : Macro or None
        What it is built of; None if it became registers.
    instances : tuple of str
        Instances of the macro: one for each read port.
    """

    name: str
    depth: int
    width: int
    macro: Macro | None
    instances: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """Bits that it holds."""
        return self.depth * self.width


def extract_memories(module: dict[str, Any], smallest: int) -> list[PlacedMemory]:
    """Replace the memories of a module by instances of macros.

    A memory stays as it is if it is small, has contents, or has ports that no macro has, as one
    that is read without a clock; Yosys makes registers of those.

    Parameters
    ----------
    module : dict
        Module of Yosys's JSON, behind ``memory_collect``; it is changed.
    smallest : int
        Bits from which on a memory is a macro.

    Returns
    -------
    list of PlacedMemory
        All memories, by name.
    """
    cells = module["cells"]
    placed = []
    for name in sorted(cells):
        if cells[name]["type"] != _KIND:
            continue
        values = {key: _integer(cells[name]["parameters"][key]) for key in _NUMBERS}
        depth, width = values["SIZE"], values["WIDTH"]
        instances: dict[str, tuple[Macro, dict[str, Any]]] = {}
        if depth * width >= smallest and _is_plain(cells[name], values):
            instances = _instances(name, cells[name]["connections"], values, module)
            del cells[name]
        for instance, (macro, wires) in instances.items():
            cells[instance] = _cell(macro, wires)
        macro = next((macro for macro, _ in instances.values()), None)
        placed.append(PlacedMemory(name, depth, width, macro, tuple(instances)))
    return placed


def model_of(macro: Macro) -> str:
    """Behaviour of a macro in Verilog.

    What real macros leave open is X: contents before they are written, a read of a row that is
    written in the same cycle, what a single port puts out in a cycle in which it writes.
    """
    pins = [
        f"  {direction}{f' [{width - 1}:0]' if width > 1 else ''} {name}"
        for name, (direction, width) in macro.pins.items()
    ]
    ports = ",\n".join(pins).replace("output", "output reg")
    row, span = macro.width, macro.width // macro.groups
    address = "addr" if macro.ports == "1rw" else "waddr"
    enable = "we & {G{ce}}" if macro.ports == "1rw" else "we"
    reads = {
        "1rw": "if (ce !== 1'b0) q <= ce & ~|we ? memory[addr] : {W{1'bx}};",
        "1r1w": "if (re !== 1'b0) q <= re ? memory[raddr] ^ clash : {W{1'bx}};",
    }
    clash = "  wire [W-1:0] clash = {W{1'bx}} & (waddr == raddr ? bits : {W{1'b0}});\n"
    return f"""\
module {macro.name}(
{ports}
);
  localparam W = {row}, G = {macro.groups}, D = {macro.depth};
  reg [W-1:0] memory [0:D-1];
  wire [G-1:0] writes = {enable};
  wire [W-1:0] bits;
  genvar g;
  generate
    for (g = 0; g < G; g = g + 1) begin : group
      assign bits[{span}*g +: {span}] = {{{span}{{writes[g]}}}};
    end
  endgenerate
{"" if macro.ports == "1rw" else clash}  integer k;
  always @(posedge clk) begin
    {reads[macro.ports]}
    if (|writes !== 1'b0)
      if (^{address} === 1'bx)
        for (k = 0; k < D; k = k + 1) memory[k] <= {{W{{1'bx}}}};
      else
        memory[{address}] <= (bits & d) | (~bits & memory[{address}]);
  end
endmodule
"""


def _is_plain(cell: dict[str, Any], values: dict[str, int]) -> bool:
    """Whether there are one write port and clocked read ports alone: no contents, no resets."""
    reads, wires = values["RD_PORTS"], cell["connections"]
    return (
        values["WR_PORTS"] == 1
        and reads > 0
        and values["RD_CLK_ENABLE"] == (1 << reads) - 1
        and values["RD_TRANSPARENCY_MASK"] == 0
        and set(cell["parameters"]["INIT"].strip()) <= {"x"}
        and {*wires["RD_ARST"], *wires["RD_SRST"]} == {"0"}
    )


def _instances(
    name: str, wires: dict[str, list[Any]], values: dict[str, int], module: dict[str, Any]
) -> dict[str, tuple[Macro, dict[str, Any]]]:
    """Instances in the place of a memory, and what their pins are connected to."""
    depth, width, reads = values["SIZE"], values["WIDTH"], values["RD_PORTS"]
    bits = ceil_log2(depth)
    write_address = wires["WR_ADDR"][:bits]
    enables = [(bit, len(list(same))) for bit, same in groupby(wires["WR_EN"])]
    groups = len(enables) if len({length for _, length in enables}) == 1 else width
    common = {
        "clk": wires["WR_CLK"],
        "we": wires["WR_EN"][:: width // groups],
        "d": wires["WR_DATA"],
    }
    instances = {}
    for k in range(reads):
        abits = values["ABITS"]
        address = wires["RD_ADDR"][k * abits : k * abits + bits]
        own = {"q": wires["RD_DATA"][k * width : (k + 1) * width]}
        reading = wires["RD_EN"][k : k + 1]
        if address == write_address:
            macro = Macro("1rw", depth, width, groups)
            enabled = _either(name, [*common["we"], *reading], module)
            own |= {"ce": [enabled], "addr": address}
        else:
            macro = Macro("1r1w", depth, width, groups)
            own |= {"waddr": write_address, "raddr": address, "re": reading}
        instances[f"{name}.read{k}" if reads > 1 else name] = (macro, common | own)
    return instances


def _either(name: str, bits: list[Any], module: dict[str, Any]) -> int:
    """Add a gate that is high if one of the bits is, and give its output."""
    wires = (
        bit
        for cell in module["cells"].values()
        for bits in cell["connections"].values()
        for bit in bits
    )
    names = (bit for net in module["netnames"].values() for bit in net["bits"])
    output = 1 + max(bit for bit in (*wires, *names) if isinstance(bit, int))
    module["cells"][f"{name}.enabled"] = {
        "type": "$reduce_or",
        "parameters": {"A_SIGNED": 0, "A_WIDTH": len(bits), "Y_WIDTH": 1},
        "attributes": {},
        "port_directions": {"A": "input", "Y": "output"},
        "connections": {"A": bits, "Y": [output]},
    }
    return output


def _cell(macro: Macro, wires: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": macro.name,
        "parameters": {},
        "attributes": {},
        "port_directions": {pin: direction for pin, (direction, _) in macro.pins.items()},
        "connections": {pin: wires[pin] for pin in macro.pins},
    }


def _integer(value: Any) -> int:
    """Value of a parameter, whose undefined bits do not matter."""
    return int(re.sub("[xz]", "0", value), 2) if isinstance(value, str) and value else 0
