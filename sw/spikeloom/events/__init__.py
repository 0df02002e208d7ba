"""Recordings of event cameras, read a chunk at a time."""

from .order import EVENT, in_order
from .reader import EventReader, open_events

__all__ = ["EVENT", "EventReader", "in_order", "open_events"]
