"""The emitted Verilog with its serial line in a Verilog simulator, driven through cocotb."""

import os
from collections.abc import Sequence

from .cosim import Simulator, run_bench

__all__ = ["cosimulate_line"]

_BENCH = "spikeloom_sim.uart_cosim_bench"


def cosimulate_line(
    verilog: str | os.PathLike[str],
    scripts: Sequence[bytes],
    *,
    bit: float,
    break_cycles: int = 0,
    simulator: Simulator = "icarus",
    patience: int = 2000,
) -> list[bytes]:
    """Give scripts of bytes to an emitted chip over its pins, each after a reset.

    Parameters
    ----------
    verilog : path
        File with one module, named like the file, that has the pins ``rx`` and ``tx``.
    scripts : list of bytes
        Scripts; many in one call save the start of the simulator.
    bit : float
        Clock cycles in a bit.
    break_cycles : int
        Clock cycles of a break before each script, behind which comes 0x55; 0 for neither.
    simulator : "icarus" or "verilator"
        What simulates.
    patience : int
        Cycles without an edge after which a script ends, once all bytes are in.

    Returns
    -------
    list of bytes
        What came for each script.

    Raises
    ------
    SimulationError
        If a tool is missing or fails, or the level of the line is undefined.
    """
    job = {
        "scripts": [script.hex() for script in scripts],
        "bit": bit,
        "break": break_cycles,
        "patience": patience,
    }
    results = run_bench(verilog, simulator, _BENCH, job)
    return [bytes.fromhex(result["output"]) for result in results]
