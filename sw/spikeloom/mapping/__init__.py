"""From a quantised network to the program of its cores."""

from .pins import Pins
from .program import place

__all__ = ["Pins", "place"]
