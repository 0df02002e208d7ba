"""Encoders from samples and signals to spike trains; what is random has a seed."""

from .rates import GAIN_ONE, STAGGER, poisson, rate
from .signals import delta, graded, population
from .times import burst, latency, phase

__all__ = [
    "GAIN_ONE",
    "STAGGER",
    "burst",
    "delta",
    "graded",
    "latency",
    "phase",
    "poisson",
    "population",
    "rate",
]
