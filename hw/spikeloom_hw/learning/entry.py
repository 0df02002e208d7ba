"""The table of plastic projections: an entry is loaded word by word into one register."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from .layout import built, entry_layout, rule_layout, rule_words
from .port import RowPort

__all__ = ["Entry", "rules_depth", "rules_layout"]


def rules_layout(config: CoreConfig) -> data.ArrayLayout:
    """Row of the memory of entries: a word, or less if that is all that an entry has."""
    return data.ArrayLayout(unsigned(min(32, entry_layout(config).size)), 1)


def rules_depth(config: CoreConfig) -> int:
    """Depth of the memory of entries, each of which begins at a multiple of a power of two."""
    return max(2, built(config).entries << (rule_words(config) - 1).bit_length())


class Entry(wiring.Component):
    """Load an entry; it takes as many cycles as it has words, and two.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    load : In(1)
        Load the entry of this ``number``.
    number : In(range(entries))
        Which one; holds still while it is loaded.
    loaded : Out(1)
        It is there, in this cycle for the first time.
    rule : Out(rule_layout(config))
        The entry, until the next is loaded.
    words : Out(RowPort)
        Memory of entries.
    """

    load: Signal
    number: Signal
    loaded: Signal
    rule: Any
    words: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.count = rule_words(config)
        super().__init__({
            "load": In(1),
            "number": In(range(built(config).entries)),
            "loaded": Out(1),
            "rule": Out(rule_layout(config)),
            "words": Out(RowPort(rules_layout(config), rules_depth(config), writes=False)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build a counter of words, and a register through which they are shifted."""
        m = Module()
        left, word = Signal(range(self.count + 1)), Signal(range(self.count))
        place_bits = (self.count - 1).bit_length()
        m.d.comb += [
            self.words.read.eq(left != 0),
            self.words.read_row.eq(Cat(word[:place_bits], self.number)),
        ]
        with m.If(self.load):
            m.d.sync += [left.eq(self.count), word.eq(0)]
        with m.Elif(left != 0):
            m.d.sync += [left.eq(left - 1), word.eq(word + 1)]

        # A word comes a cycle after it was read.
        comes, held = Signal(), Signal(32 * self.count)
        m.d.sync += [comes.eq(left != 0), self.loaded.eq(comes & (left == 0))]
        with m.If(comes):
            m.d.sync += held.eq(Cat(held[32:], self.words.read_data))
        layout = entry_layout(self.config)
        stored: Any = layout(held[: layout.size])
        constants = built(self.config).constants
        for name in self.rule.shape().members:
            value = constants[name] if name in constants else stored[name]
            m.d.comb += self.rule[name].eq(value)
        return m
