"""What one projection asks of the memories."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloom_hw.config import Walk

__all__ = ["AXES", "STEPS", "Columns", "Part"]

Columns = Mapping[str, np.ndarray]
"""Entries of a table: an int array for each member."""

AXES = ("channels", "lines", "columns")
"""Tables of convolutions."""

STEPS = ("line_weight", "line_row", "column_weight", "column_row")
"""Members of the projection table with the way from tap to tap."""


@dataclass(frozen=True, eq=False)
class Part:
    """One projection; what it names is counted from its own first row, word or entry.

    Parameters
    ----------
    kind : Walk
        What walks it.
    size : int
        Synapses of an event: postsynaptic neurons, per tap of a convolution; 0 if sparse.
    blocks : int
        Rows of weights of a presynaptic neuron; 0 for a convolution, 1 if sparse.
    rows : int
        Rows of weights, or of sparse synapses.
    taps : dict of str to Columns
        Entries of the three tables of convolutions.
    steps : Mapping of str to int
        Way from tap to tap, for each of :data:`STEPS`; may be negative.
    pointers, synapses : Columns
        Entries of the memories of sparse projections; neuron rows are absolute.
    spare : int
        Further rows that a sparse projection would like to have for other synapses.
    home : int
        First row of the target, which lanes without a synapse name.
    """

    kind: Walk
    rows: int
    size: int = 0
    blocks: int = 0
    taps: dict[str, Columns] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    pointers: Columns = field(default_factory=dict)
    synapses: Columns = field(default_factory=dict)
    spare: int = 0
    home: int = 0

    def entries(self, table: str) -> int:
        """Entries that it has in ``table``: a table of convolutions, or ``"pointers"``."""
        columns = self.pointers if table == "pointers" else self.taps.get(table, {})
        return len(next(iter(columns.values()), ()))
