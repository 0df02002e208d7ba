"""Spiking neural networks as verified hardware."""

from spikeloom_hw.emit import emit
from spikeloom_hw.neuron import LIFParameters, Reset
from spikeloom_hw.program import Program
from spikeloom_sim.golden import Golden
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection
from spikeloom_sim.recording import Recording

from .flow import compile
from .host.device import Device
from .network import IF, LIF, Network
from .quantise import quantise

__all__ = [
    "IF",
    "LIF",
    "Device",
    "Golden",
    "LIFParameters",
    "Network",
    "Program",
    "QuantisedNetwork",
    "QuantisedPopulation",
    "QuantisedProjection",
    "Recording",
    "Reset",
    "compile",
    "emit",
    "quantise",
]
