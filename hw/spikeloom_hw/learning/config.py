"""What of the learning engine is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..validate import check_choice, check_integers
from .rule import MOST_TERMS, OPERAND_WIDTHS

__all__ = ["LearningConfig"]

_PARTS = ("products", "dependence", "errors", "sdsp", "back", "neurons", "eligibility", "sparse")
_LARGEST_SUM_WIDTH = 32


@dataclass(frozen=True)
class LearningConfig:
    """Structure of the learning engine of a core; rules are loaded into it at run time.

    Parameters
    ----------
    entries : int
        Plastic projections that it has room for, a power of two.
    terms : int
        Most terms of a rule.
    pre_traces, post_traces : int
        Most traces of a presynaptic neuron, up to 2, and of a postsynaptic one, up to 3.
    pre_lanes : int
        Presynaptic neurons that are looked at in a cycle, a power of two.
    pre_rows : int
        Depth of the memory of presynaptic traces; a row holds ``pre_lanes`` neurons.
    post_rows : int
        Depth of the memory of postsynaptic traces; a row holds an update group.
    operand_width : int
        Bits of a trace that terms see.
    sum_width : int
        Bits of the signed sum of the terms of a synapse, rounding included.
    products : bool
        Whether the lanes multiply. They need not if in every term one of the two factors is 1, or
        a spike: then what varies is multiplied with the coefficient once for each neuron.
    dependence : bool
        Whether terms may depend on the weight.
    errors : bool
        Whether there are errors.
    sdsp : bool
        Whether terms may look at the potential of the neuron.
    back : bool
        Whether errors may go backwards.
    neurons : bool
        Whether thresholds and leaks may learn.
    eligibility : bool
        Whether changes may wait for a reward.
    sparse : bool
        Whether sparse projections may learn.
    constants : Mapping of str to int
        Members of an entry that are fixed when the hardware is generated, by the names of
        :func:`~spikeloom_hw.learning.layout.rule_layout`; they cost nothing.
    """

    entries: int = 4
    terms: int = 2
    pre_traces: int = 1
    post_traces: int = 1
    pre_lanes: int = 4
    pre_rows: int = 256
    post_rows: int = 64
    operand_width: int = 8
    sum_width: int = _LARGEST_SUM_WIDTH
    products: bool = True
    dependence: bool = False
    errors: bool = False
    sdsp: bool = False
    back: bool = False
    neurons: bool = False
    eligibility: bool = False
    sparse: bool = False
    constants: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("Entries", self.entries, tuple(1 << k for k in range(9)))
        check_integers("Terms", self.terms, 1, MOST_TERMS)
        check_integers("Presynaptic traces", self.pre_traces, 0, 2)
        check_integers("Postsynaptic traces", self.post_traces, 0, 3)
        check_choice("Presynaptic lanes", self.pre_lanes, tuple(1 << k for k in range(6)))
        check_integers("Rows of presynaptic traces", self.pre_rows, 2, 1 << 17)
        check_integers("Rows of postsynaptic traces", self.post_rows, 2, 1 << 14)
        check_choice("Operand width", self.operand_width, OPERAND_WIDTHS)
        check_integers("Sum width", self.sum_width, 2, _LARGEST_SUM_WIDTH)
        for name in _PARTS:
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        for name in ("back", "neurons"):
            if getattr(self, name) and not self.errors:
                raise ValueError(f"A learning engine with {name!r} needs errors")
        for name in ("errors", "eligibility"):
            if getattr(self, name) and not self.products:
                raise ValueError(f"A learning engine with {name!r} needs products")
        if self.sdsp and not self.post_traces:
            raise ValueError("A learning engine with 'sdsp' needs a postsynaptic trace")

    @property
    def pre_neurons(self) -> int:
        """Presynaptic neurons that it has room for."""
        return self.pre_rows * self.pre_lanes

    @property
    def value_width(self) -> int:
        """Bits of what the host gives with a step: errors, or the modulator alone."""
        return 16 if self.errors else 8

    @property
    def slots(self) -> int:
        """Rows of operands of a block: one for each term, then delta if it goes backwards."""
        return self.terms + self.back
