"""Neuron models: parameters, integer arithmetic, and the pipeline lane that computes the same."""

from .fields import FIELDS, Constant, Fields, Per, Reset
from .lif import LIF
from .parameters import LIFParameters, LIFState

__all__ = ["FIELDS", "LIF", "Constant", "Fields", "LIFParameters", "LIFState", "Per", "Reset"]
