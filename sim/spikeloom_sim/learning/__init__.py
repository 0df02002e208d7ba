"""The arithmetic of learning rules, and the projections that follow them."""

from .learner import Learner
from .lesson import Lesson, Sample, Teaching, as_lesson
from .order import labels, plastic_projections
from .plastic import Neurons, Plastic, Step
from .plastic_sparse import SparsePlastic
from .state import LearningState

__all__ = [
    "Learner",
    "LearningState",
    "Lesson",
    "Neurons",
    "Plastic",
    "Sample",
    "SparsePlastic",
    "Step",
    "Teaching",
    "as_lesson",
    "labels",
    "plastic_projections",
]
