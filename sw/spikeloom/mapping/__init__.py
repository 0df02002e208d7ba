"""From a quantised network to the program of one core."""

from .program import place

__all__ = ["place"]
