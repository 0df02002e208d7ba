"""Neurons in real numbers."""

from .arithmetic import Neuron
from .kinds import ALIF, IF, LI, LIF, CubaLIF, Integrator
from .model import Parameters
from .parameter import LEAKS, OUTPUTS, RESETS, SYNAPSES, to_decay

__all__ = [
    "ALIF",
    "IF",
    "LEAKS",
    "LI",
    "LIF",
    "OUTPUTS",
    "RESETS",
    "SYNAPSES",
    "CubaLIF",
    "Integrator",
    "Neuron",
    "Parameters",
    "to_decay",
]
