"""The arithmetic of neurons, in real numbers."""

from typing import Any, Self

import numpy as np

from spikeloom_hw.neuron import MOST_SPIKES, NeuronState
from spikeloom_hw.neuron.noise import noise, word_at

from .model import Parameters
from .parameter import to_decay

__all__ = ["Neuron"]

_NOISE_BITS = 16


class Neuron(Parameters):
    """Neurons with any of the optional parts; :class:`.LIF` and the others choose among them.

    The parameters are those of :class:`.Parameters`.
    """

    @classmethod
    def from_time_constant(
        cls,
        tau: Any,
        dt: float = 1.0,
        *,
        exact: bool = False,
        tau_current: Any = None,
        tau_adaptation: Any = None,
        **parameters: Any,
    ) -> Self:
        """Make a neuron from its time constants, as :func:`to_decay` does.

        The weights of the spikes are still added in full. A model whose current is filtered by the
        membrane, ``tau dv/dt = -v + r * current``, receives ``r * (1 - decay)`` of each weight:
        multiply the weights by that.

        Parameters
        ----------
        tau : float or array
            Time constant of the membrane, in the unit of ``dt``.
        dt : float
            Duration of a step.
        exact : bool
            Whether a decay is ``exp(-dt / tau)``, or its Euler form ``1 - dt / tau``.
        tau_current, tau_adaptation : float, array or None
            Time constants of the current and of the adaptation, for neurons that have them.
        **parameters
            All other parameters of the neuron.
        """
        if parameters.get("leak", "multiply") != "multiply":
            raise ValueError(f"A time constant needs leak='multiply', not {parameters['leak']!r}")
        for name, constant in (("current", tau_current), ("adaptation", tau_adaptation)):
            if constant is not None:
                parameters[f"{name}_decay"] = to_decay(constant, dt, exact=exact)
        return cls(decay=to_decay(tau, dt, exact=exact), **parameters)

    def rest(self, shape: tuple[int, ...], dtype: Any = np.float64) -> NeuronState:
        """State before the first step: all is 0, not refractory, not inhibited."""
        return NeuronState(
            potential=np.zeros(shape, dtype),
            refractory=np.zeros(shape, np.int8),
            fired=np.zeros(shape, bool),
            current=np.zeros(shape, dtype),
            adaptation=np.zeros(shape, dtype),
            inhibited=np.zeros(shape, bool),
        )

    def step(
        self, state: NeuronState, current: Any, time: int = 0
    ) -> tuple[NeuronState, np.ndarray]:
        """Advance neurons by one step in float64, in the order in which the hardware does.

        Parameters
        ----------
        state : NeuronState
            Before the step, (..., neurons) arrays.
        current : array
            Sum of the weights of the spikes received, same shape.
        time : int
            Steps since the beginning, on which the noise depends.

        Returns
        -------
        tuple of NeuronState and array
            State after the step, and what leaves: bool spikes, uint8 counts or float64 values.
        """
        drive, current = self._drive(state, np.asarray(current, np.float64))
        charged = self._leaked(state.potential) + drive + self.bias
        if self.reset == "subtract delayed":
            charged = np.where(state.fired, charged - self.threshold, charged)
        if self.inhibition:
            charged = charged - state.inhibited * self.inhibition
        if self.noise:
            charged = charged + self._noise(time, charged.shape[-1])
        resting = state.refractory > 0
        charged = np.where(resting, self.reset_value, charged)

        above = charged - (self.threshold + state.adaptation)
        fires = (above >= 0 if self.inclusive else above > 0) & ~resting
        fires &= self.output in ("spike", "count")
        potential, sent = self._reset(charged, fires, above)
        adaptation = self.adaptation_decay * state.adaptation + fires * self.adaptation_step
        waited = np.maximum(state.refractory - 1, 0)
        refractory = np.where(fires, self.refractory, waited).astype(np.int8)
        inhibited = fires.any(axis=-1, keepdims=True) & ~sent if self.winner else state.inhibited
        after = NeuronState(potential, refractory, fires, current, adaptation, inhibited)
        return after, sent

    def advance(
        self,
        state: NeuronState,
        currents: np.ndarray,
        sent: np.ndarray,
        potentials: np.ndarray | None = None,
        time: int = 0,
    ) -> NeuronState:
        """Advance neurons by many steps, each as :meth:`step` says.

        Parameters
        ----------
        state : NeuronState
            Before the first step.
        currents : (steps, ...) float64 array
            Sum of the weights received in each step.
        sent : (steps, ...) array
            Is filled with what leaves, in the dtype that :meth:`step` gives.
        potentials : (steps, ...) array or None
            Is filled with the potentials after each step.
        time : int
            Number of the first step.
        """
        for index, current in enumerate(currents):
            state, sent[index] = self.step(state, current, time + index)
            if potentials is not None:
                potentials[index] = state.potential
        return state

    def _drive(self, state: NeuronState, received: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tell what reaches the potential, and the current after the step."""
        if self.synapse == "none":
            return received, state.current
        current = self.current_decay * state.current + received
        return (current if self.synapse == "new" else state.current), current

    def _leaked(self, potential: np.ndarray) -> np.ndarray:
        if self.leak == "multiply":
            return self.decay * potential
        if self.leak == "shift":
            return potential - potential / np.exp2(self.decay)
        return np.sign(potential) * np.maximum(np.abs(potential) - self.decay, 0)

    def _noise(self, time: int, neurons: int) -> np.ndarray:
        """Noise of all neurons in a step, from the hash of the hardware at its finest."""
        drawn = noise(self.seed, word_at(time), np.arange(neurons), _NOISE_BITS)
        return self.noise * drawn / (1 << (_NOISE_BITS - 1))

    def _reset(
        self, charged: np.ndarray, fires: np.ndarray, above: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell the potential after the step, and what leaves."""
        left = charged if self.minimum is None else np.maximum(charged, self.minimum)
        after, sent = charged, fires
        if self.output == "count":
            crossed = charged / self.threshold
            crossed = np.floor(crossed) if self.inclusive else np.ceil(crossed) - 1
            sent = (fires * np.clip(crossed, 1, MOST_SPIKES)).astype(np.uint8)
            after = charged - sent * np.where(fires, self.threshold, 0)
        elif self.reset == "to value":
            after = np.broadcast_to(self.reset_value, charged.shape)
        elif self.reset == "subtract":
            after = above
        potential = np.where(fires, after, left)
        if self.winner:
            margin = np.where(fires, above, -np.inf)
            best = margin.argmax(axis=-1)
            sent = fires & (np.arange(fires.shape[-1]) == best[..., None])
        if self.output == "value":
            return potential, potential
        return potential, sent
