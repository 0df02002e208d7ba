"""The neurons that the literature has names for, as choices of parameters."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arithmetic import Neuron

__all__ = ["ALIF", "IF", "LI", "LIF", "CubaLIF", "Integrator"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LIF(Neuron):
    """Leaky integrate-and-fire neurons; see :class:`.Parameters` for all parameters.

    Parameters
    ----------
    decay : float or array
        Share of the potential that is left after a step, or as ``leak`` says.
    """

    decay: Any = field()


@dataclass(frozen=True, eq=False, kw_only=True)
class IF(Neuron):
    """Integrate-and-fire neurons, which do not leak; see :class:`.Parameters`."""

    decay: Any = field(default=1.0, init=False)
    leak: str = field(default="multiply", init=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class CubaLIF(LIF):
    """Current-based LIF neurons: spikes reach a current that decays; see :class:`.Parameters`.

    Parameters
    ----------
    decay : float or array
        Share of the potential that is left after a step.
    current_decay : float or array
        Share of the current that is left after a step.
    synapse : str
        Whether the potential receives the ``"new"`` current or the ``"old"`` one.
    """

    current_decay: Any = field()
    synapse: str = "new"


@dataclass(frozen=True, eq=False, kw_only=True)
class ALIF(LIF):
    """LIF neurons with an adaptive threshold; see :class:`.Parameters`.

    Each spike raises the threshold from the next step on, and the rise decays (Bellec et al.,
    "Long short-term memory and learning-to-learn in networks of spiking neurons", 2018; its beta
    is the adaptation step, its rho the adaptation decay).

    Parameters
    ----------
    decay : float or array
        Share of the potential that is left after a step.
    adaptation_decay : float or array
        Share of the rise of the threshold that is left after a step.
    adaptation_step : float or array
        How much a spike raises the threshold.
    """

    adaptation_decay: Any = field()
    adaptation_step: Any = field()


@dataclass(frozen=True, eq=False, kw_only=True)
class LI(LIF):
    """Leaky integrators, which never fire; see :class:`.Parameters`.

    Parameters
    ----------
    decay : float or array
        Share of the potential that is left after a step.
    output : str
        ``"value"``: the host reads the potential after each step. ``"silent"``: nothing leaves.
    """

    output: str = "value"
    threshold: Any = field(default=np.inf, init=False)
    reset: str = field(default="none", init=False)
    reset_value: Any = field(default=0.0, init=False)
    refractory: Any = field(default=0, init=False)
    inclusive: bool = field(default=False, init=False)
    adaptation_decay: Any = field(default=0.0, init=False)
    adaptation_step: Any = field(default=0.0, init=False)
    winner: bool = field(default=False, init=False)
    inhibition: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output not in ("value", "silent"):
            raise ValueError(
                f"Output of an integrator must be 'value' or 'silent', not {self.output!r}"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Integrator(LI):
    """Integrators that do not leak (the neuron ``I`` of NIR); see :class:`LI`."""

    decay: Any = field(default=1.0, init=False)
    leak: str = field(default="multiply", init=False)
