"""``spikeloom build --board asic``: Verilog whose memories are macros."""

import dataclasses
from pathlib import Path

from spikeloom_boards.asic import emit_asic
from spikeloom_boards.asic_mapping import map_to_library
from spikeloom_boards.flow import PROGRAM
from spikeloom_hw.folder import staged
from spikeloom_hw.program import Program

from .report import Outcome, Report

__all__ = ["ASIC", "build_asic"]

ASIC = "asic"
"""Name of the board that is none."""


def build_asic(report: Report, program: Program, output: Path, liberty: Path | None) -> Outcome:
    """Write the design for an ASIC, and map it to a library if one is given."""
    mapping = None
    with report.working("Writing the Verilog"), staged(output) as stage:
        emission = emit_asic(program, stage)
        program.save(stage / PROGRAM)
        if liberty is not None:
            mapping = map_to_library(emission, liberty)
        names = sorted(file.name for file in stage.iterdir())
    rows = [
        (m.macro.name, sum(other.macro == m.macro for other in emission.memories), m.bits)
        for m in {m.macro: m for m in emission.memories if m.macro is not None}.values()
        if m.macro is not None
    ]
    report.table("Memory macros", ("macro", "how many", "bits of each"), rows)
    if mapping is not None:
        report.say(mapping.text())
    report.say(f"Configuration {program.config.hash:016x}, in {output}")
    return Outcome({
        "folder": output,
        "board": ASIC,
        "files": names,
        "module": emission.name,
        "program": output / PROGRAM,
        "configuration": f"{program.config.hash:016x}",
        "macros": [dataclasses.asdict(macro) for macro in emission.macros],
        "mapping": None if mapping is None else mapping.to_dict(),
    })
