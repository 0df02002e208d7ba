"""Records that pass between the host port and what is behind it."""

from amaranth.lib import data

__all__ = ["request_layout", "word_layout"]


def request_layout() -> data.StructLayout:
    """Access of the host to one 32-bit word; a read is answered."""
    return data.StructLayout({"write": 1, "address": 32, "data": 32})


def word_layout() -> data.StructLayout:
    """One word, and whether it is the last of a frame's payload or of a time step."""
    return data.StructLayout({"word": 32, "last": 1})
