"""Streams of events through a device, with bounded memory and an account of every event."""

from .binning import Binning
from .pacing import Pacing
from .report import StreamReport
from .stream import Stream, StreamStep

__all__ = ["Binning", "Pacing", "Stream", "StreamReport", "StreamStep"]
