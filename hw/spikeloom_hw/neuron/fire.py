"""The later stages of a lane that are not always built: adaptation and the count of spikes."""

from amaranth.hdl import Cat, Mux, Value

from ..number import decayed
from .fields import MOST_SPIKES
from .stages import Stages

__all__ = ["COUNT_STAGES", "adapt", "count"]

COUNT_STAGES = MOST_SPIKES.bit_length()
"""Cycles in which the spikes are counted."""


def adapt(stages: Stages, stage: int) -> tuple[Value, Value, Value]:
    """Raise the threshold by the adaptation, which decays.

    Returns
    -------
    tuple of Value
        In ``stage``, at least 3: the threshold, and the adaptation after the step without and
        with a spike.
    """
    if "adaptation" not in stages.places.state.members:
        return stages.field("threshold", stage), Value.cast(0), Value.cast(0)
    number = stages.number
    held = stages.later(Cat(stages.inputs.state.adaptation, 0).as_signed(), stage - 3)
    product = stages.later(held * stages.field("adaptation_decay", stage - 3))
    bar = stages.later(stages.field("threshold", stage - 1) + stages.later(held, 2))
    decays = stages.later(decayed(product)[: number.width].as_signed())
    raised = number.saturate(stages.now(decays + stages.field("adaptation_step", stage - 1)))
    return bar, stages.later(decays), stages.later(raised)


def count(stages: Stages, charged: Value, bar: Value, stage: int) -> tuple[Value, Value]:
    """Divide a charged potential by the threshold, a bit of the quotient a cycle.

    Returns
    -------
    tuple of Value
        ``COUNT_STAGES`` after ``stage``: what is left of the potential, and the spikes.
    """
    number = stages.number
    spikes: list[Value] = []
    for done in range(COUNT_STAGES):
        trial = stages.now(charged - (bar << (COUNT_STAGES - 1 - done)))
        inclusive = stages.field("inclusive", stage + done)
        fits = stages.now((trial > 0) | ((trial == 0) & inclusive))
        spikes = [stages.later(Cat(fits, *spikes))]
        charged = stages.later(Mux(fits, trial, charged)[: number.width].as_signed())
        bar = stages.later(bar)
    return charged, spikes[0]
