"""The first stages of a lane: leak, synaptic current, and the saturated sum."""

from amaranth.hdl import Mux, Value

from ..number import DECAY_FRACTION, DECAY_WIDTH, approached, decayed, divided, reduced
from .fields import Constant, Fields, Leak, Reset, Synapse
from .noise import NOISE_STAGES, noise_of
from .stages import Stages

__all__ = ["charge", "charged_at"]


def charged_at(places: Fields) -> int:
    """Stage in which a neuron is charged: one more if a current or noise comes in between."""
    return 4 if places.noisy or "current" in places.state.members else 3


def charge(stages: Stages) -> tuple[Value, Value | None]:
    """Give what the table in docs/design/0006 calls ``s``, in stage :func:`charged_at`.

    Returns
    -------
    tuple of Value and (Value or None)
        The charged potential, and the current after the step, a stage earlier; None if no neuron
        has a current.
    """
    places, number = stages.places, stages.number
    leaked = _leak(stages)
    drive = stages.later(stages.inputs.current << stages.field("shift", 0))
    offset = _offset(stages)
    if charged_at(places) == 3:
        total = stages.now(leaked + stages.later(drive + offset))
        return stages.later(number.saturate(total)), None

    # What the current is added to is summed while the current is.
    offset = stages.later(offset)
    if places.noisy:
        offset = offset + noise_of(stages, stages.inputs.word, stages.inputs.index)
    partial = stages.later(leaked + offset)
    current = None
    if "current" in places.state.members:
        drive, current = _pass(stages, drive)
    else:
        drive = stages.later(drive, NOISE_STAGES)
    return stages.later(number.saturate(stages.now(partial + drive))), current


def _leak(stages: Stages) -> Value:
    """Give the leaked potential in stage 2."""
    places, number = stages.places, stages.number
    potential, decay = stages.inputs.state.potential, stages.field("decay", 0)
    kept = stages.later(potential)
    leaked = {Leak.MULTIPLY: kept}
    if places.leaks:
        product = stages.later(potential * decay[:DECAY_WIDTH])
        leaked[Leak.MULTIPLY] = decayed(product)
    if places.may("leak", Leak.SHIFT):
        shift = decay[: DECAY_FRACTION.bit_length()]
        leaked[Leak.SHIFT] = reduced(kept, stages.later(divided(potential, shift)))
    if places.may("leak", Leak.LINEAR):
        leaked[Leak.LINEAR] = stages.later(approached(potential, decay))
    return stages.later(_select(stages, "leak", leaked)[: number.width].as_signed())


def _offset(stages: Stages) -> Value:
    """Give the bias, less what is owed for a delayed reset or taken by a winner, in stage 1."""
    places = stages.places
    taken: list[Value] = []
    if "fired" in places.state.members:
        delayed = stages.field("reset", 0) == Reset.SUBTRACT_DELAYED
        owes = stages.inputs.state.fired & delayed
        taken.append(Mux(owes, stages.field("threshold", 0), 0))
    if places["inhibition"] != Constant(0):
        taken.append(Mux(stages.inputs.inhibited, stages.field("inhibition", 0), 0))
    if not taken:
        return stages.field("bias", 1)
    return stages.later(stages.field("bias", 0) - sum(taken[1:], taken[0]))


def _pass(stages: Stages, drive: Value) -> tuple[Value, Value]:
    """Pass the drive of stage 1 through the current: what charges, and the current, in stage 3."""
    number, before = stages.number, stages.inputs.state.current
    product = stages.later(before * stages.field("current_decay", 0))
    kept = stages.later(decayed(product)[: number.width].as_signed())
    drive = stages.later(drive)
    updated = stages.now(number.saturate(stages.now(kept + drive)))
    charges = {Synapse.NONE: drive, Synapse.NEW: updated, Synapse.OLD: stages.later(before, 2)}
    current = {Synapse.NONE: Value.cast(0), Synapse.NEW: updated, Synapse.OLD: updated}
    return (
        stages.later(_select(stages, "synapse", charges)),
        stages.later(_select(stages, "synapse", current)),
    )


def _select(stages: Stages, name: str, choices: dict[Leak, Value] | dict[Synapse, Value]) -> Value:
    """Give the choice of the field ``name``, which is not kept per neuron."""
    able = {kind: value for kind, value in choices.items() if stages.places.may(name, kind)}
    first, *others = able.items()
    selected = first[1]
    for kind, value in others:
        selected = Mux(stages.field(name, 0) == kind, value, selected)
    return selected
