"""Spiking neural networks as verified hardware."""

from spikeloom_hw.emit import emit
from spikeloom_hw.neuron import Leak, NeuronParameters, Output, Reset, Synapse
from spikeloom_hw.program import Program
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.recording import Recording

from .flow import compile, recompile
from .host.device import Device
from .network import Network
from .neuron import ALIF, IF, LI, LIF, CubaLIF, Integrator
from .pipeline import pipelined
from .quantise import quantise

__all__ = [
    "ALIF",
    "IF",
    "LI",
    "LIF",
    "Convolution",
    "CubaLIF",
    "Dense",
    "Device",
    "Golden",
    "Integrator",
    "Leak",
    "Network",
    "NeuronParameters",
    "Output",
    "Program",
    "QuantisedNetwork",
    "QuantisedPopulation",
    "Recording",
    "Reset",
    "Sparse",
    "Synapse",
    "compile",
    "emit",
    "pipelined",
    "quantise",
    "recompile",
]
