"""Learning on the chip: rules in integers, and the engine that follows them."""

from .kinds import Dependence, Post, Pre, Rounding, Seen, Surrogate, TraceKind
from .parts import Backward, Eligibility, Errors, NeuronLearning, Sdsp, Term, Trace
from .rule import LearningRule

__all__ = [
    "Backward",
    "Dependence",
    "Eligibility",
    "Errors",
    "LearningRule",
    "NeuronLearning",
    "Post",
    "Pre",
    "Rounding",
    "Sdsp",
    "Seen",
    "Surrogate",
    "Term",
    "Trace",
    "TraceKind",
]
