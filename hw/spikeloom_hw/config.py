"""The structure of the generated hardware: everything that is fixed when Verilog is emitted."""

import enum
import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .event import INDEX_WIDTH
from .learning.config import LearningConfig
from .neuron import Constant, Fields, Per
from .number import Signed
from .validate import check_choice, check_integers

__all__ = ["MOST_CHILDREN", "MOST_CORES", "REGION_WORDS", "ChipConfig", "CoreConfig", "Walk"]

REGION_WORDS = 1 << 20
"""Words of 32 bits that the address map has for one memory."""

MOST_CORES = 112
"""Cores of all chips together that the address map has room for."""

MOST_CHILDREN = 4
"""Chips that may hang on one."""


class Walk(enum.IntEnum):
    """Kind of a projection, which decides what walks it."""

    DENSE = 0
    CONVOLUTION = 1
    SPARSE = 2


@dataclass(frozen=True)
class CoreConfig:
    """Structure of one core; networks are loaded into it at run time.

    Parameters
    ----------
    lanes : int
        Synapses integrated per cycle (L), a power of two.
    update_lanes : int
        Neurons updated per cycle (U), a power of two that divides ``lanes``.
    weight_width : int
        Bits of a weight: 2, 4, 8 or 16.
    accumulator_width : int
        Bits of an accumulator (A).
    fields : Fields
        Width of the membrane potential, and where each neuron parameter is kept.
    weight_rows : int
        Depth of the weight memory; a row holds ``lanes`` weights.
    neuron_rows : int
        Depth of the accumulator memory; a row holds ``lanes`` neurons.
    populations, projections, sources, phases : int
        Depths of the tables.
    weight_ports : int
        2 for a weight memory with a read and a write port, 1 for a single port (iCE40 SPRAM).
    delay_slots : int
        Accumulators of each neuron (D), a power of two up to 64; the longest delay is D - 1.
    payload_width : int
        Bits of the signed value of a graded event that a synapse multiplies; 0 for spikes alone.
    value_groups : int
        Update groups of the populations that send values; 0 if none does.
    taps : int
        Depth of each of the three tables of convolutions; 0 for no convolution.
    pointers, synapse_rows : int
        Depths of the memories of sparse projections; 0 for no sparse projection.
    skip : bool
        Whether rows of neurons that would reproduce themselves are skipped.
    learning : LearningConfig or None
        The learning engine; None for a core that does not learn.
    bases : int
        Depth of the field that tells where a slice begins in its population, in rows of
        neurons; 0 if no population is cut.
    """

    lanes: int = 16
    update_lanes: int = 4
    weight_width: int = 8
    accumulator_width: int = 18
    fields: Fields = field(default_factory=lambda: Fields({}))
    weight_rows: int = 4096
    neuron_rows: int = 16
    populations: int = 16
    projections: int = 16
    sources: int = 32
    phases: int = 8
    weight_ports: int = 2
    delay_slots: int = 1
    payload_width: int = 0
    value_groups: int = 0
    taps: int = 0
    pointers: int = 0
    synapse_rows: int = 0
    skip: bool = False
    learning: LearningConfig | None = None
    bases: int = 0

    def __post_init__(self) -> None:
        powers = tuple(1 << k for k in range(8))
        check_choice("Lanes", self.lanes, powers)
        check_choice("Update lanes", self.update_lanes, powers[:6])
        if self.lanes % self.update_lanes:
            raise ValueError(
                f"Update lanes must divide the {self.lanes} lanes, {self.update_lanes} does not"
            )
        check_choice("Weight width", self.weight_width, (2, 4, 8, 16))
        check_choice("Weight ports", self.weight_ports, (1, 2))
        check_integers("Accumulator width", self.accumulator_width, 8, 32)
        check_integers("Weight rows", self.weight_rows, 2, self.most_weight_rows)
        check_integers("Neuron rows", self.neuron_rows, 2, 1 << 14)
        check_integers("Populations", self.populations, 2, 64)
        check_integers("Projections", self.projections, 2, 256)
        check_integers("Sources", self.sources, 2, 512)
        check_integers("Phases", self.phases, 2, 32)
        check_choice("Delay slots", self.delay_slots, tuple(1 << k for k in range(7)))
        check_choice("Payload width", self.payload_width, (0, *range(2, 17)))
        check_integers("Value groups", self.value_groups, 0, 1 << 14)
        check_choice("Taps", self.taps, (0, *(1 << k for k in range(1, 15))))
        check_choice("Pointers", self.pointers, (0, *(1 << k for k in range(1, 17))))
        check_integers("Synapse rows", self.synapse_rows, 0, self.most_synapse_rows)
        check_integers("Bases", self.bases, 0, (1 << INDEX_WIDTH) // self.lanes)
        if bool(self.pointers) != (self.synapse_rows >= 2):
            raise ValueError(
                f"Sparse projections need both pointers and synapse rows, "
                f"not {self.pointers} and {self.synapse_rows}"
            )

    @property
    def weight(self) -> Signed:
        """Format of a weight."""
        return Signed(self.weight_width)

    @property
    def accumulator(self) -> Signed:
        """Format of an accumulator."""
        return Signed(self.accumulator_width)

    @property
    def most_weight_rows(self) -> int:
        """Rows of weights that the address map has room for."""
        words = -(-self.lanes * self.weight_width // 32)
        return REGION_WORDS >> (words - 1).bit_length()

    @property
    def most_synapse_rows(self) -> int:
        """Rows of sparse synapses that the address map has room for."""
        more = (self.delay_slots - 1).bit_length() + bool(self.learning and self.learning.sparse)
        width = self.weight_width + (self.neuron_rows - 1).bit_length() + more
        words = -(-self.lanes * width // 32)
        return REGION_WORDS >> (words - 1).bit_length()

    @property
    def walks(self) -> tuple[Walk, ...]:
        """Kinds of projections that are built."""
        built = {Walk.DENSE: True, Walk.CONVOLUTION: self.taps, Walk.SPARSE: self.pointers}
        return tuple(walk for walk, there in built.items() if there)

    @property
    def value_width(self) -> int:
        """Bits of the signed value of an event on the bus; 0 if no event has one."""
        sent = self.fields.value_width if self.value_groups else 0
        taught = self.learning.value_width if self.learning else 0
        return max(self.payload_width, sent, taught)

    @property
    def accumulator_rows(self) -> int:
        """Depth of the accumulator memory: the slot above the row."""
        return self.delay_slots << (self.neuron_rows - 1).bit_length()

    @property
    def groups_per_row(self) -> int:
        """Update groups in one row of neurons (L / U)."""
        return self.lanes // self.update_lanes

    @property
    def groups(self) -> int:
        """Depth of the state memory."""
        return self.neuron_rows * self.groups_per_row

    @property
    def numbers(self) -> int:
        """Update groups of a whole population, by whose number in it they leave the core."""
        return (self.bases or 1) * self.groups_per_row - self.groups_per_row + self.groups


@dataclass(frozen=True)
class ChipConfig:
    """Structure of a whole chip, or of each of several that are joined to a tree.

    Parameters
    ----------
    core : CoreConfig
        Each of the cores.
    counters : bool
        Whether the performance counters are built.
    window : int
        Bytes that the host may have in flight.
    queue : int
        Event words of the host that wait in a queue of their own; 0 for none but the window.
    cores : int
        Cores of a chip, up to 16.
    parents : tuple of int
        Parent of each chip but the root, chip 0: a lower number. At most four hang on one.
    """

    core: CoreConfig = field(default_factory=CoreConfig)
    counters: bool = True
    window: int = 512
    queue: int = 32
    cores: int = 1
    parents: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_choice("Queue", self.queue, (0, *(1 << k for k in range(4, 10))))
        check_integers("Cores", self.cores, 1, 16)
        if not isinstance(self.parents, tuple):
            raise TypeError(f"Parents must be a tuple of integers, not {self.parents!r}")
        for child, parent in enumerate(self.parents, 1):
            check_integers(f"Parent of chip {child}", parent, 0, child - 1)
        for parent in set(self.parents):
            below = len(self.children(parent))
            if below > MOST_CHILDREN:
                raise ValueError(
                    f"At most {MOST_CHILDREN} chips can hang on one, "
                    f"not the {below} of chip {parent}"
                )
        if self.all_cores > MOST_CORES:
            raise ValueError(
                f"At most {MOST_CORES} cores have addresses, "
                f"not {self.cores} on each of {self.chips} chips"
            )

    @property
    def chips(self) -> int:
        """Chips, the root included."""
        return 1 + len(self.parents)

    @property
    def all_cores(self) -> int:
        """Cores of all chips together."""
        return self.cores * self.chips

    def children(self, chip: int) -> tuple[int, ...]:
        """Chips that hang on a chip, in ascending order."""
        return tuple(c for c, parent in enumerate(self.parents, 1) if parent == chip)

    def subtree(self, chip: int) -> tuple[int, ...]:
        """A chip, and all below it."""
        return (chip, *(c for child in self.children(chip) for c in self.subtree(child)))

    @property
    def filtered(self) -> bool:
        """Whether a core takes events of some sources alone, by its filter."""
        return self.all_cores > 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold; :meth:`from_dict` is the inverse."""
        plain = asdict(self)
        fields = self.core.fields
        # What is not built leaves no trace, so that hardware without it keeps its hash.
        plain["parents"] = list(self.parents)
        for part, name, absent in (
            (plain["core"], "learning", None),
            (plain["core"], "bases", 0),
            (plain, "cores", 1),
            (plain, "parents", []),
            (plain["core"]["learning"] or {"sparse": False}, "sparse", False),
        ):
            if part[name] == absent:
                del part[name]
        plain["core"]["fields"] = {
            "width": fields.width,
            "places": {
                name: place.value if isinstance(place, Per) else {"constant": place.value}
                for name, place in sorted(fields.places.items())
            },
        }
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "ChipConfig":
        """Rebuild a configuration from :meth:`to_dict`."""
        core = dict(plain["core"])
        places = {
            name: Per(place) if isinstance(place, str) else Constant(place["constant"])
            for name, place in core["fields"]["places"].items()
        }
        core["fields"] = Fields(places, core["fields"]["width"])
        if "learning" in core:
            core["learning"] = LearningConfig(**core["learning"])
        parents = tuple(plain.get("parents", ()))
        return cls(**{**plain, "core": CoreConfig(**core), "parents": parents})

    @property
    def hash(self) -> int:
        """64-bit fingerprint; the host refuses hardware of another one."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
