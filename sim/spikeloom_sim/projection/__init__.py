"""Projections: which neuron reaches which, with which weight and after how many steps."""

from .base import Deliver, Projection
from .convolution import Convolution
from .dense import Dense
from .sparse import Sparse

__all__ = ["Convolution", "Deliver", "Dense", "Projection", "Sparse"]
