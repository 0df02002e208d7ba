"""Random neurons and their states, for tests."""

from typing import Any

import numpy as np

from spikeloom_hw.neuron import (
    Leak,
    NeuronParameters,
    NeuronState,
    Output,
    Reset,
    Synapse,
)
from spikeloom_hw.neuron.fields import PER_NEURON
from spikeloom_hw.number import DECAY_FRACTION, DECAY_ONE, Signed

__all__ = ["draw", "draw_parameters", "draw_state"]


def draw(rng: np.random.Generator, low: int, high: int, count: int) -> np.ndarray:
    """Integers from ``low`` to ``high``: anywhere, at the ends, near 0, and of all magnitudes.

    Returns
    -------
    (count,) int64 array
        The numbers.
    """
    around = min(max(low, 0), high)
    sizes = rng.integers(0, 2 ** rng.integers(0, 24, count), endpoint=True)
    kinds = (
        rng.integers(low, high + 1, count),
        rng.choice([low, min(low + 1, high), max(high - 1, low), high], count),
        rng.integers(max(low, around - 3), min(high, around + 3) + 1, count),
        np.clip(rng.choice([-1, 1], count) * sizes, low, high),
    )
    return np.choose(rng.choice(4, count, p=[0.25, 0.1, 0.15, 0.5]), kinds)


def draw_parameters(
    rng: np.random.Generator,
    width: int,
    neurons: int,
    each: frozenset[str] | None = None,
    **chosen: Any,
) -> NeuronParameters:
    """Draw parameters that mix all that goes together.

    Parameters
    ----------
    rng : Generator
        Of the numbers.
    width : int
        Bits of the potential.
    neurons : int
        Length of the parameters that are arrays.
    each : frozenset of str or None
        Which of :data:`PER_NEURON` are arrays; None leaves it to chance.
    **chosen
        Parameters that are given.
    """
    number = Signed(width)
    if each is None:
        each = frozenset(name for name in PER_NEURON if rng.random() < 0.3)
    kinds = _draw_kinds(rng) | chosen
    counts, winner = kinds["output"] is Output.COUNT, kinds["winner"]
    decays = {
        Leak.MULTIPLY: DECAY_ONE,
        Leak.SHIFT: DECAY_FRACTION,
        Leak.LINEAR: number.high,
    }
    # The reset value must not lie below the minimum.
    most = min(0, int(np.min(chosen.get("reset_value", 0))))
    minimum = int(np.max(chosen.get("minimum", draw(rng, number.low, most, 1)[0])))
    bounds = {
        "decay": (0, decays[kinds["leak"]]),
        "threshold": (1 if counts else number.low, number.high),
        "bias": (number.low, number.high),
        "reset_value": (minimum, number.high),
        "minimum": (number.low, minimum),
        "refractory": (0, int(rng.choice([0, 15]))),
        "current_decay": (0, DECAY_ONE),
        "adaptation_decay": (0, DECAY_ONE),
        "adaptation_step": (0, 0 if counts or rng.random() < 0.5 else number.high),
        "inhibition": (0, number.high if winner else 0),
    }
    drawn: dict[str, Any] = {}
    for name, (low, high) in bounds.items():
        values = draw(rng, low, high, neurons)
        drawn[name] = values if name in each else int(values[0])
    return NeuronParameters(**(drawn | kinds), width=width)


def draw_state(rng: np.random.Generator, parameters: NeuronParameters, neurons: int) -> NeuronState:
    """Draw a state that ``neurons`` neurons with these parameters could be in."""
    p, number = parameters, Signed(parameters.width)
    potential, current = (draw(rng, number.low, number.high, neurons) for _ in range(2))
    adaptation = draw(rng, 0, number.high, neurons)
    fires = p.output in (Output.SPIKE, Output.COUNT)
    rests = rng.integers(0, 16, neurons) * (rng.random(neurons) < 0.3)
    fired, inhibited = rng.random((2, neurons)) < 0.5
    return NeuronState(
        potential,
        (rests * bool(np.any(p.refractory) and fires)).astype(np.int8),
        fired & fires,
        current * (p.synapse is not Synapse.NONE),
        adaptation * bool(np.any(p.adaptation_step)),
        inhibited & (p.inhibition > 0),
    )


def _draw_kinds(rng: np.random.Generator) -> dict[str, Any]:
    output = Output(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1]))
    return {
        "output": output,
        "reset": Reset.SUBTRACT if output is Output.COUNT else Reset(rng.integers(4)),
        "leak": Leak(rng.integers(3)),
        "synapse": Synapse(rng.integers(3)),
        "winner": bool(output is Output.SPIKE and rng.random() < 0.4),
        "inclusive": bool(rng.integers(2)),
        "shift": int(rng.integers(8)),
        "noise": int(rng.integers(17)) * int(rng.random() < 0.4),
        "seed": int(rng.integers(1 << 16)),
    }
