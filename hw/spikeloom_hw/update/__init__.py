"""The update: a sweep over the neurons of a phase at the end of its part of the step."""

from .streams import spikes_layout, values_layout
from .update import Update

__all__ = ["Update", "spikes_layout", "values_layout"]
