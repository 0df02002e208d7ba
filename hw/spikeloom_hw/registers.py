"""The address map, said once: registers and memories, for gateware, host and documentation."""

import enum
from dataclasses import dataclass
from functools import cached_property

from amaranth.hdl import Shape
from amaranth.lib import data

from .config import ChipConfig, CoreConfig
from .layout import (
    Layouts,
    filter_layout,
    filter_rows,
    schedule_layout,
    time_layout,
    winner_layout,
)
from .learning.layout import entry_layout, epochs_layout, post_layout, pre_layout
from .neuron.noise import WORD_WIDTH

__all__ = [
    "CHIP_BITS",
    "CORE_BASE",
    "CORE_STRIDE",
    "FABRIC",
    "FABRIC_BASE",
    "ID",
    "VERSION",
    "Control",
    "Errors",
    "Region",
    "Register",
    "Status",
    "on_core",
    "regions",
]

ID = 0x53504B4C
"""Content of the ID register: "SPKL"."""

VERSION = 1
"""Version of the address map."""

FABRIC = ("schedule", "record")
"""Memories that are not part of a core."""

CORE_STRIDE = 2 << 24
"""Words from a memory of a core to that of the next."""

CHIP_BITS = 16
"""The registers of chip c are at c << 16."""

CORE_BASE = 0x10 << 24
"""Where the memories of core 0 begin."""

FABRIC_BASE = 0x01 << 24
"""Where the memories of the fabric begin; those of the links to chip c are 2 c pages on."""

_LEARNING = 0x11 << 24


class Register(enum.IntEnum):
    """System registers; the value is the address in 32-bit words.

    Accesses from ``ERRORS`` on wait until the events and steps before them are done.
    """

    ID = 0x00
    VERSION = 0x01
    HASH_LOW = 0x02
    HASH_HIGH = 0x03
    CONTROL = 0x04
    STATUS = 0x05
    ERRORS = 0x08
    STEPS = 0x09
    EVENTS_IN = 0x10
    EVENTS_OUT = 0x11
    SPIKES = 0x12
    SYNAPTIC_LOW = 0x13
    SYNAPTIC_HIGH = 0x14
    CYCLES_INTEGRATE = 0x15
    CYCLES_UPDATE = 0x16
    CYCLES_CONTROL = 0x17
    CYCLES = 0x18
    ROWS = 0x19

    @property
    def meaning(self) -> str:
        """One sentence for the documentation and the C header."""
        return _MEANINGS[self.name]


_MEANINGS = {
    "ID": "Always 0x53504B4C, 'SPKL'.",
    "VERSION": "Version of the address map.",
    "HASH_LOW": "Low word of the configuration hash.",
    "HASH_HIGH": "High word of the configuration hash.",
    "CONTROL": "Write: bits of Control; reads as 0.",
    "STATUS": "Read: bits of Status.",
    "ERRORS": "Sticky bits of Errors; write 1 to clear.",
    "STEPS": "Time steps done since the last clear, modulo 2**32.",
    "EVENTS_IN": "Spikes and graded events that the cores took, added up over the cores.",
    "EVENTS_OUT": "Events sent to the host.",
    "SPIKES": "Spikes and counts that neurons sent.",
    "SYNAPTIC_LOW": "Synaptic operations (a weight applied because of a spike), low word.",
    "SYNAPTIC_HIGH": "Synaptic operations, high word.",
    "CYCLES_INTEGRATE": "Cycles in which a core looked an event up or integrated it.",
    "CYCLES_UPDATE": "Other cycles of update sweeps, from first read to last write.",
    "CYCLES_CONTROL": "Cycles of a running step that are neither integration nor update.",
    "ROWS": "Rows of neurons that update sweeps have processed, not skipped.",
    "CYCLES": "All cycles from the first event word to the end of the last step.",
}


class Control(enum.IntFlag):
    """Bits of the CONTROL register."""

    RESET = 1
    """Abandon the step and all events under way; the memories keep their contents."""
    CLEAR = 2
    """Zero accumulators, neuron states and the step count."""
    ZERO_COUNTERS = 4
    """Zero the performance counters."""


class Status(enum.IntFlag):
    """Bits of the STATUS register."""

    BUSY = 1
    """A step or a clear is under way."""


class Errors(enum.IntFlag):
    """Bits of the ERRORS register."""

    BAD_SOURCE = 1
    """An event named a source or index beyond the source table; it was dropped."""
    BAD_WORD = 2
    """The host sent an event word that the chip does not take; it was dropped."""
    BAD_ADDRESS = 4
    """The host accessed an address that does not exist; reads gave 0."""
    LINK_ERR = 8
    """A link to a chip below gave up, and the chips stopped; only RESET clears it."""


@dataclass(frozen=True)
class Region:
    """A memory in the address map.

    Parameters
    ----------
    name : str
        Name in :class:`~spikeloom_hw.program.Program` and in map.json.
    base : int
        Address of its first word.
    rows : int
        Depth.
    layout : Layout
        One row, from which the packing of words follows.
    """

    name: str
    base: int
    rows: int
    layout: data.Layout

    @cached_property
    def words(self) -> int:
        """Words of 32 bits that hold a row."""
        return max(1, -(-Shape.cast(self.layout).width // 32))

    @property
    def stride(self) -> int:
        """Words from one row to the next: a power of two."""
        return 1 << (self.words - 1).bit_length()


def regions(config: ChipConfig) -> dict[str, Region]:
    """Memories of all chips by name; a memory that the configuration does not need is absent.

    The memories of core 0 have plain names, those of core g end in ``@g``, and so do the filters
    ``up@c`` and ``down@c`` of what goes from chip c to its parent and from there to it.
    """
    core = config.core
    record = ("record", FABRIC_BASE | 1 << 20, filter_rows(core), filter_layout(core))
    entries = [("schedule", FABRIC_BASE, core.phases, schedule_layout(core)), record]
    of_core = [entry for entry in _of_core(config) if entry[2] and Shape.cast(entry[3]).width]
    for g in range(config.all_cores):
        offset = CORE_STRIDE * g
        entries += [(on_core(n, g), base + offset, *row) for n, base, *row in of_core]
    for c in range(1, config.chips):
        for k, name in enumerate(("up", "down")):
            entries.append((f"{name}@{c}", FABRIC_BASE + (2 * c + k << 20), *record[2:]))
    return {entry[0]: Region(*entry) for entry in entries}


def on_core(name: str, core: int) -> str:
    """Name of a memory of a core, which is called ``name`` on core 0."""
    return f"{name}@{core}" if core else name


def _of_core(config: ChipConfig) -> list[tuple[str, int, int, data.Layout]]:
    """Memories of core 0: name, address, rows, and the layout of a row."""
    core, layouts = config.core, Layouts(config.core)
    contested = core.populations if core.fields.may("winner", 1) else 0
    entries = [
        ("filter", CORE_BASE, config.filtered * filter_rows(core), filter_layout(core)),
        ("weights", CORE_BASE | 1 << 20, core.weight_rows, layouts.weights),
        ("state", CORE_BASE | 2 << 20, core.groups, layouts.state),
        ("neurons", CORE_BASE | 3 << 20, core.groups, layouts.neurons),
        ("projections", CORE_BASE | 4 << 20, core.projections, layouts.projections),
        ("winners", CORE_BASE | 5 << 20, contested, winner_layout(core)),
        ("accumulators", CORE_BASE | 6 << 20, core.accumulator_rows, layouts.accumulators),
        ("synapses", CORE_BASE | 7 << 20, core.synapse_rows, layouts.synapses),
        ("time", CORE_BASE | 8 << 20, 1, time_layout(core)),
        ("sources", CORE_BASE | 9 << 20, core.sources, layouts.sources),
        ("populations", CORE_BASE | 10 << 20, core.populations, layouts.populations),
        ("phases", CORE_BASE | 11 << 20, core.phases, layouts.phases),
        ("channels", CORE_BASE | 12 << 20, core.taps, layouts.taps),
        ("lines", CORE_BASE | 13 << 20, core.taps, layouts.taps),
        ("columns", CORE_BASE | 14 << 20, core.taps, layouts.taps),
        ("pointers", CORE_BASE | 15 << 20, core.pointers, layouts.pointers),
    ]
    if core.learning:
        learning = core.learning
        entries += [
            ("rules", _LEARNING, learning.entries, entry_layout(core)),
            ("pre", _LEARNING | 1 << 20, learning.pre_rows, pre_layout(core)),
            ("post", _LEARNING | 2 << 20, learning.post_rows, post_layout(core)),
            *_eligibilities(core, layouts),
            ("clock", _LEARNING | 3 << 20, 1, data.StructLayout({"word": WORD_WIDTH})),
        ]
    return entries


def _eligibilities(core: CoreConfig, layouts: Layouts) -> list[tuple[str, int, int, data.Layout]]:
    """Memories of changes that wait for a reward."""
    learning = core.learning
    if learning is None or not learning.eligibility:
        return []
    return [
        ("eligibility", _LEARNING | 4 << 20, core.weight_rows, layouts.weights),
        ("epochs", _LEARNING | 5 << 20, max(2, learning.entries), epochs_layout()),
    ]
