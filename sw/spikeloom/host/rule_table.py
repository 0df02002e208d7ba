"""The entries of the learning engine that a program loads, and what its hardware fixes."""

import numpy as np

from spikeloom_hw.learning.layout import built
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core, regions

__all__ = ["rule_columns"]


def rule_columns(program: Program, core: int = 0) -> dict[str, np.ndarray]:
    """Members of the entries of a core by name, (entries,) arrays, constants included."""
    name = on_core("rules", core)
    image = program.images[name]
    columns = unpack_rows(regions(program.config)[name].layout, image)
    constants = built(program.config.core).constants
    return columns | {name: np.full(len(image), value) for name, value in constants.items()}
