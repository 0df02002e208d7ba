"""Verilog modules in Icarus, one vector of inputs a clock cycle, to hold models against others."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .tools import find_tool, run_tool

__all__ = ["play_vectors"]


def play_vectors(
    verilog: str,
    name: str,
    inputs: Mapping[str, int],
    outputs: Mapping[str, int],
    rows: Sequence[Sequence[int]],
    *,
    clocks: Sequence[str] = ("clk",),
    parameters: str = "",
) -> list[list[str]]:
    """Give a module inputs, and take its outputs after each rising edge of the clock.

    Parameters
    ----------
    verilog : str
        Source with the module.
    name : str
        The module.
    inputs, outputs : Mapping of str to int
        Width of each pin but the clocks.
    rows : sequence of (inputs,) int
        Values of the inputs in each cycle, in their order.
    clocks : sequence of str
        Pins that the clock goes to; none if the module has no clock.
    parameters : str
        Parameters of the module, as Verilog has them.

    Returns
    -------
    list of list of str
        Bits of the outputs behind each edge, of 0, 1, x and z, most significant first.

    Raises
    ------
    SimulationError
        If Icarus is missing or fails.
    """
    bench = _bench(name, inputs, outputs, len(rows), clocks, parameters)
    words = [
        "".join(f"{value:0{width}b}" for value, width in zip(row, inputs.values(), strict=True))
        for row in rows
    ]
    with tempfile.TemporaryDirectory(prefix="spikeloom-vectors-") as temporary:
        folder = Path(temporary)
        (folder / "bench.v").write_text(f"{bench}\n{verilog}")
        (folder / "rows.mem").write_text("\n".join(words) + "\n")
        compiler = Path(find_tool("iverilog"))
        command = [str(compiler), "-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v"]
        run_tool(command, folder, f"Compiling {name} for icarus")
        run_tool([str(compiler.with_name("vvp")), "-n", "bench.vvp"], folder, f"Simulating {name}")
        lines = (folder / "out.txt").read_text().splitlines()
    return [line.split() for line in lines]


def _bench(
    name: str,
    inputs: Mapping[str, int],
    outputs: Mapping[str, int],
    count: int,
    clocks: Sequence[str],
    parameters: str,
) -> str:
    """Bench that reads rows.mem and writes out.txt."""
    pins = [f".{pin}(clock)" for pin in clocks]
    pins += [f".{pin}({pin})" for pin in (*inputs, *outputs)]
    given = " ".join(f"reg [{width - 1}:0] {pin};" for pin, width in inputs.items())
    taken = " ".join(f"wire [{width - 1}:0] {pin};" for pin, width in outputs.items())
    form = " ".join("%b" for _ in outputs)
    return f"""\
`timescale 1ns / 1ps
module bench;
  reg clock = 0;
  reg [{sum(inputs.values()) - 1}:0] rows [0:{count - 1}];
  {given}
  {taken}
  {name} {f"#({parameters}) " if parameters else ""}dut ({", ".join(pins)});
  integer k, file;
  initial begin
    $readmemb("rows.mem", rows);
    file = $fopen("out.txt", "w");
    for (k = 0; k < {count}; k = k + 1) begin
      {{{", ".join(inputs)}}} = rows[k];
      #5 clock = 1;
      #4 $fdisplay(file, "{form}", {", ".join(outputs)});
      #1 clock = 0;
    end
    $fclose(file);
    $finish;
  end
endmodule
"""
