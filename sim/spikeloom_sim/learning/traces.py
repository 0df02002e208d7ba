"""Traces of spikes, and what terms see of them."""

from typing import Any, NamedTuple

import numpy as np

from spikeloom_hw.learning import Seen, Trace, TraceKind
from spikeloom_hw.learning.parts import LARGEST_TRACE
from spikeloom_hw.number import decay

__all__ = ["TRACE_WIDTH", "Advanced", "advance", "operand"]

TRACE_WIDTH = LARGEST_TRACE.bit_length()
"""Bits of a trace."""


class Advanced(NamedTuple):
    """A trace in one step: decayed, before the spike, and after it. Int64 arrays."""

    before: Any
    after: Any


def advance(trace: Trace, value: Any, spikes: Any) -> Advanced:
    """Advance traces by one step.

    Parameters
    ----------
    trace : Trace
        How they decay and grow.
    value : int64 array
        Traces after the step before, from 0 to 65535.
    spikes : bool array
        Whether the neurons sent a spike.
    """
    before = decay(value, trace.decay)
    if trace.kind is TraceKind.NEAREST:
        return Advanced(before, np.where(spikes, trace.increment, before))
    grown = before + np.where(spikes, trace.increment, 0)
    return Advanced(before, np.minimum(grown, LARGEST_TRACE))


def operand(trace: Trace, advanced: Advanced, width: int) -> Any:
    """Give the top ``width`` bits of what terms see of a trace."""
    seen = advanced.after if trace.seen is Seen.AFTER else advanced.before
    return seen >> (TRACE_WIDTH - width)
