"""Neuron models: parameters, integer arithmetic, and the pipeline lane that computes the same."""

from .arithmetic import NeuronState
from .fields import (
    FIELDS,
    MOST_SPIKES,
    Constant,
    Fields,
    Leak,
    Output,
    Per,
    Reset,
    Synapse,
)
from .lane import NeuronLane
from .noise import FIRST_WORD, WORD_WIDTH, next_word, word_at
from .parameters import NeuronParameters

__all__ = [
    "FIELDS",
    "FIRST_WORD",
    "MOST_SPIKES",
    "WORD_WIDTH",
    "Constant",
    "Fields",
    "Leak",
    "NeuronLane",
    "NeuronParameters",
    "NeuronState",
    "Output",
    "Per",
    "Reset",
    "Synapse",
    "next_word",
    "word_at",
]
