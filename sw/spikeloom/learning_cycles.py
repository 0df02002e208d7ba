"""How long a chip learns at the end of a step, told before it is built."""

from spikeloom_hw.learning.layout import rule_words
from spikeloom_hw.program import Program

__all__ = ["most_learning_cycles"]

_PASS = 32
"""More than the depth of the pipelines that a pass fills and empties."""


def most_learning_cycles(program: Program) -> int:
    """Greatest number of cycles that learning adds to a step: all neurons fire, all terms count.

    Most steps take a small part of it, as rows without a spike or a trace are skipped.

    Parameters
    ----------
    program : Program
        Compiled network.

    Returns
    -------
    int
        Cycles; 0 if nothing learns.
    """
    core = program.config.core
    learning = core.learning
    if learning is None:
        return 0
    # A weight memory with one port is read and written in turns.
    turns = 3 - core.weight_ports
    cycles = _PASS + core.groups
    for projection in program.plastic:
        pre = program.population(projection.source).size
        blocks = -(-program.population(projection.target).size // core.lanes)
        rows = -(-pre // learning.pre_lanes) + pre
        passes = [learning.slots * blocks * core.groups_per_row, rows]
        passes.append(turns * pre * blocks * learning.terms)
        if learning.back:
            passes.append(rows + turns * pre * blocks)
        if learning.eligibility:
            passes.append(2 * (rows + turns * pre * blocks))
        cycles += rule_words(core) + sum(passes) + _PASS * len(passes)
    return cycles
