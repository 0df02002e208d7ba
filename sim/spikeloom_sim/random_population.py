"""Random populations of neurons that fit a core."""

from typing import Any

import numpy as np

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Constant, Leak, NeuronParameters, Output, Per, Reset, Synapse
from spikeloom_hw.neuron.fields import OPTIONAL
from spikeloom_hw.number import DECAY_FRACTION, DECAY_ONE

__all__ = ["VALUED", "may_have_pixels", "random_neuron", "random_output"]

VALUED = (Output.COUNT, Output.VALUE)
"""Outputs that are values, for which a core needs room."""

_OUTPUTS = (Output.SPIKE,) * 6 + (Output.COUNT,) * 3 + (Output.VALUE,) * 2 + (Output.SILENT,)
_LEAKS = (Leak.MULTIPLY, Leak.MULTIPLY, Leak.SHIFT, Leak.LINEAR)
_MOST_NOISE = 8
_MOST_LINEAR = 60


def may_have_pixels(core: CoreConfig) -> bool:
    """Whether a population can be laid out in pixels: not if all have noise or a winner."""
    return all(core.fields.may(name, 0) for name in ("winner", "noise"))


def random_output(extra: np.random.Generator, core: CoreConfig, room: bool) -> Output:
    """Draw what a population sends; ``room`` tells whether there is room for its values."""
    fields = core.fields
    place = fields["output"]
    if isinstance(place, Constant):
        return Output(place.value)
    output = Output(_OUTPUTS[extra.integers(len(_OUTPUTS))])
    wins = not fields.may("winner", 0) or not fields.may("inhibition", 0)
    if wins or (output in VALUED and not room):
        return Output.SPIKE
    threshold, adaptation = fields["threshold"], fields["adaptation_step"]
    can_count = (
        fields.may("reset", Reset.SUBTRACT)
        and not (isinstance(threshold, Constant) and threshold.value < 1)
        and not (isinstance(adaptation, Constant) and adaptation.value)
    )
    return Output.SPIKE if output is Output.COUNT and not can_count else output


def random_neuron(
    rng: np.random.Generator,
    extra: np.random.Generator,
    core: CoreConfig,
    traits: tuple[int, str, Output, bool],
) -> NeuronParameters:
    """Draw neuron parameters, per neuron where the hardware keeps them so.

    Parameters
    ----------
    rng, extra : Generator
        Source of the parameters that every core has, and of the optional ones.
    core : CoreConfig
        Hardware that is to run them.
    traits : tuple of int, str, Output and bool
        Size of the population, mood of the network, what the neurons send, and whether they are
        laid out in pixels.
    """
    size, mood, output, pixels = traits
    values = _common(rng, size, core, mood)
    values |= _optional(extra, size, core, pixels)
    if values["leak"] is not Leak.MULTIPLY:
        most = DECAY_FRACTION if values["leak"] is Leak.SHIFT else _MOST_LINEAR
        values["decay"] = _draw(extra, size, core, ("decay", 0, most))
    if output is Output.COUNT:
        values["reset"] = Reset.SUBTRACT
        lowest = values["threshold"]
        values["threshold"] = np.maximum(lowest, 1) if np.ndim(lowest) else max(lowest, 1)
        values["adaptation_step"] = values["adaptation_step"] * 0
    if output is not Output.SPIKE:
        values["winner"] = False
    if not values["winner"]:
        values["inhibition"] = 0
    return NeuronParameters(**values, output=output, width=core.fields.width)


def _common(rng: np.random.Generator, size: int, core: CoreConfig, mood: str) -> dict[str, Any]:
    high = (1 << (core.fields.width - 1)) - 1
    # Where input is sparse or late, or not all send spikes, thresholds must be crossed easily.
    optional = any(core.fields[name] != Constant(0) for name in OPTIONAL)
    weak = optional or core.delay_slots > 1 or len(core.walks) > 1
    threshold = {"all fire": (-high, -high // 2), "none fires": (high, high)}.get(
        mood, (-5, 1 << (core.weight_width - 2 if weak else core.weight_width + 1))
    )
    bounds = (
        ("decay", 0, DECAY_ONE),
        ("threshold", threshold[0], min(threshold[1], high)),
        ("bias", -9, 25),
        ("reset_value", -20, 20),
        ("minimum", -high - 1, -20),
        ("refractory", 0, 7),
        ("reset", 0, len(Reset) - 1),
        ("inclusive", 0, 1),
        ("shift", 0, 7 if mood == "extreme weights" else 3),
    )
    drawn = {bound[0]: _draw(rng, size, core, bound) for bound in bounds}
    return {**drawn, "reset": Reset(drawn["reset"]), "inclusive": bool(drawn["inclusive"])}


def _optional(
    extra: np.random.Generator, size: int, core: CoreConfig, pixels: bool
) -> dict[str, Any]:
    high = (1 << (core.fields.width - 1)) - 1
    leak = Leak(_LEAKS[extra.integers(len(_LEAKS))])
    decay = core.fields["decay"]
    if isinstance(decay, Constant) and decay.value > DECAY_FRACTION:
        leak = Leak.MULTIPLY
    bounds = (
        ("leak", leak.value, leak.value),
        ("synapse", 0, len(Synapse) - 1),
        ("current_decay", 0, DECAY_ONE),
        ("adaptation_decay", 0, DECAY_ONE),
        ("adaptation_step", 0, min(high, 40)),
        ("winner", 0, 0 if pixels else 1),
        ("inhibition", 0, min(high, 60)),
        ("noise", 0, 0 if pixels else min(_MOST_NOISE, core.fields.width)),
        ("seed", 0, (1 << 16) - 1),
    )
    drawn = {bound[0]: _draw(extra, size, core, bound) for bound in bounds}
    # Half of the populations have none of what a field allows.
    for name in ("adaptation_step", "noise"):
        if extra.random() < 0.5 and not isinstance(core.fields[name], Constant):
            drawn[name] = drawn[name] * 0
    return {
        **drawn,
        "leak": Leak(drawn["leak"]),
        "synapse": Synapse(drawn["synapse"]),
        "winner": bool(drawn["winner"]) or not core.fields.may("inhibition", 0),
    }


def _draw(
    rng: np.random.Generator, size: int, core: CoreConfig, bound: tuple[str, int, int]
) -> Any:
    """Draw a parameter from its bounds, as many as the place where it is kept holds."""
    name, low, top = bound
    place = core.fields[name]
    if isinstance(place, Constant):
        return place.value
    if place is Per.NEURON and name != "minimum":
        return rng.integers(low, top + 1, size)
    return int(rng.integers(low, top + 1))
