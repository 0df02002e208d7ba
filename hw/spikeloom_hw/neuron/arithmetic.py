"""The integer arithmetic of a population of neurons, on NumPy arrays."""

from typing import Any, NamedTuple

import numpy as np

from ..number import DECAY_ONE, Signed, approach, decay, shift_factor
from .fields import MOST_SPIKES, Leak, Output, Reset, Synapse
from .noise import noise, word_at

__all__ = ["Arithmetic", "NeuronState"]


class NeuronState(NamedTuple):
    """State of neurons, (..., neurons) arrays of equal shape.

    Members
    -------
    potential : int64 array, or float64 array that holds integers
        Membrane potential, relative to the leak potential.
    refractory : int8 array
        Steps for which the neuron still rests.
    fired : bool array
        Whether it crossed its threshold in the last step.
    current : array of the dtype of ``potential``
        Synaptic current; 0 without a :class:`Synapse`.
    adaptation : array of the dtype of ``potential``
        What is added to the threshold; 0 without adaptation.
    inhibited : bool array
        Whether another neuron of the population won the last step.
    """

    potential: np.ndarray
    refractory: np.ndarray
    fired: np.ndarray
    current: np.ndarray
    adaptation: np.ndarray
    inhibited: np.ndarray


class Arithmetic:
    """Parameters as arrays of one dtype, and the steps of neurons that have them.

    NumPy is faster on float64 than on int64; floats that hold integers stay exact, since no sum
    or product exceeds 2**53. What a population has no use for is not computed.

    Parameters
    ----------
    parameters : NeuronParameters
        The parameters.
    dtype : dtype
        int64 or float64.
    """

    def __init__(self, parameters: Any, dtype: np.dtype) -> None:
        p, self.dtype = parameters, dtype
        self.format = Signed(p.width)
        self.threshold = np.asarray(p.threshold, dtype)
        self.bias = np.asarray(p.bias, dtype)
        self.reset_value = np.asarray(p.reset_value, dtype)
        self.minimum = np.asarray(p.minimum, dtype)
        self.gain = np.asarray(1 << p.shift, dtype)
        self.inhibition = np.asarray(p.inhibition, dtype)
        self.adaptation_step = np.asarray(p.adaptation_step, dtype)
        self.refractory = np.asarray(p.refractory, np.int8)
        self.decay = shift_factor(p.decay) if p.leak is Leak.SHIFT else p.decay
        self.current_decay, self.adaptation_decay = p.current_decay, p.adaptation_decay
        self.reset, self.synapse, self.output = p.reset, p.synapse, p.output
        self.wins, self.noise, self.seed = p.winner, p.noise, p.seed
        self.above = np.greater_equal if p.inclusive else np.greater
        self.fewer = 0 if p.inclusive else 1

        # What need not be computed.
        self.leaks_linearly = p.leak is Leak.LINEAR
        self.leaks = not _always(self.decay, 0 if self.leaks_linearly else DECAY_ONE)
        self.has_current = p.synapse is not Synapse.NONE
        self.biased = not _always(p.bias, 0)
        self.owes = p.reset is Reset.SUBTRACT_DELAYED
        self.inhibits = p.winner and p.inhibition > 0
        self.rests = not _always(p.refractory, 0)
        self.adapts = not _always(p.adaptation_step, 0)
        self.integrates = p.output in (Output.VALUE, Output.SILENT)
        self.floored = not _always(p.minimum, self.format.low)
        self.lowers = bool(np.all(np.asarray(p.threshold) >= 0))

    def advance(
        self,
        state: NeuronState,
        currents: np.ndarray,
        sent: np.ndarray,
        potentials: np.ndarray | None,
        time: int,
    ) -> NeuronState:
        """Advance neurons as :meth:`NeuronParameters.advance` says."""
        potential, refractory, fires, current, adaptation, inhibited = state
        drives, offsets = self._drives(currents, time)

        for index, (drive, out) in enumerate(zip(drives, sent, strict=True)):
            # Leak and charge; every sum below stays under 2**53.
            if self.has_current:
                before, current = current, self._pass(current, drive)
                drive = (before if self.synapse is Synapse.OLD else current) + offsets[index]
            if self.leaks:
                charged = self._leak(potential)
                charged += drive
            else:
                charged = potential + drive
            if self.owes:
                charged -= fires * self.threshold
            if self.inhibits:
                charged -= inhibited * self.inhibition
            charged = self.format.clip(charged, out=charged)

            # Fire, unless the neuron is refractory.
            resting = refractory > 0 if self.rests else None
            if resting is not None:
                charged = np.where(resting, self.reset_value, charged)
            bar = self.threshold + adaptation if self.adapts else self.threshold
            fires = self._fire(charged, bar, resting, out)
            if resting is not None:
                waited = np.maximum(refractory - 1, 0)
                refractory = np.where(fires, self.refractory, waited).astype(np.int8)

            # Reset, adapt, and send.
            potential = self._after_reset(charged, fires, bar, out)
            if self.adapts:
                adaptation = self._adapt(adaptation, fires)
            if self.wins:
                inhibited = self._choose(fires, charged - bar, out)
            elif self.output is Output.VALUE:
                out[...] = potential
            if potentials is not None:
                potentials[index] = potential
        return NeuronState(potential, refractory, fires.copy(), current, adaptation, inhibited)

    def _drives(self, currents: np.ndarray, time: int) -> tuple[np.ndarray, Any]:
        """Scale the input, and add what comes with it; a current passes by what is added."""
        drives = currents * self.gain if self.gain != 1 else currents
        offsets: Any = self.bias if self.biased else 0
        if self.noise:
            steps, *others, neurons = currents.shape
            words = np.array([word_at(int(time) + step) for step in range(steps)], np.int64)
            drawn = noise(self.seed, words[:, None], np.arange(neurons), self.noise)
            drawn = drawn.reshape(steps, *(1 for _ in others), neurons).astype(self.dtype)
            offsets = drawn + offsets
        if self.has_current:
            return drives, offsets if self.noise else [offsets] * len(drives)
        return (drives + offsets if self.noise or self.biased else drives), None

    def _leak(self, potential: np.ndarray) -> np.ndarray:
        if self.leaks_linearly:
            return approach(potential, self.decay)
        return decay(potential, self.decay)

    def _pass(self, current: np.ndarray, drive: np.ndarray) -> np.ndarray:
        charged = decay(current, self.current_decay)
        charged += drive
        return self.format.clip(charged, out=charged)

    def _fire(self, charged: np.ndarray, bar: np.ndarray, resting: Any, out: Any) -> np.ndarray:
        """Tell who crosses the threshold, and say in ``out`` what leaves, if that is known."""
        if self.integrates:
            out[...] = 0
            return np.zeros(charged.shape, bool)
        if self.output is Output.COUNT:
            count = np.clip((charged - self.fewer) // bar, 0, MOST_SPIKES)
            out[...] = count if resting is None else np.where(resting, 0, count)
            return out > 0
        fires = self.above(charged, bar, out=None if self.wins else out)
        if resting is not None:
            fires &= ~resting
        return fires

    def _after_reset(
        self, charged: np.ndarray, fires: np.ndarray, bar: np.ndarray, out: np.ndarray
    ) -> np.ndarray:
        left = np.maximum(charged, self.minimum) if self.floored else charged
        if self.integrates:
            return left
        if self.reset is Reset.TO_VALUE:
            return np.where(fires, self.reset_value, left)
        if self.output is Output.COUNT:
            return np.where(fires, charged - out * bar, left)
        if self.reset is Reset.SUBTRACT and not self.floored and self.lowers:
            return charged - fires.astype(charged.dtype) * bar
        if self.reset is Reset.SUBTRACT:
            return np.where(fires, self.format.clip(charged - bar), left)
        return np.where(fires, charged, left) if self.floored else left

    def _adapt(self, adaptation: np.ndarray, fires: np.ndarray) -> np.ndarray:
        more = fires * self.adaptation_step
        return np.minimum(decay(adaptation, self.adaptation_decay) + more, self.format.high)

    def _choose(self, fires: np.ndarray, above: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Let only the neuron furthest above its threshold send; give whom it inhibits."""
        margin = np.where(fires, above, -1)
        first = margin.argmax(axis=-1)[..., None]
        winner = np.arange(margin.shape[-1]) == first
        np.logical_and(fires, winner, out=out)
        return fires.any(axis=-1, keepdims=True) & ~winner


def _always(value: Any, expected: int) -> bool:
    return bool(np.all(np.asarray(value) == expected))
