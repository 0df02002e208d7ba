"""One lane of the row pass: it sums the terms of a synapse, rounds, and moves the weight."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..number import DECAY_FRACTION
from .delay import later
from .kinds import Dependence
from .lane_shift import MOST_SHIFT, coarse_shift, fine_shift
from .layout import MODULATOR, built, operand_shape

__all__ = ["LaneTiming", "LearningLane", "factor_shape", "product_shape", "second_shape"]

_DEPENDENT = 18


def factor_shape(config: CoreConfig) -> Shape:
    """Shape of the presynaptic factor of a term, with its coefficient."""
    return signed(MODULATOR.width + built(config).operand_width)


def second_shape(config: CoreConfig) -> Shape:
    """Shape of what it is multiplied with: an operand, or an eligibility."""
    width = operand_shape(config).width
    return signed(max(width, config.weight_width) if built(config).eligibility else width)


def product_shape(config: CoreConfig) -> Shape:
    """Shape of a product of the multiplier of a lane, if there is one."""
    if not built(config).products:
        return signed(max(factor_shape(config).width, second_shape(config).width))
    factor = factor_shape(config).width
    if built(config).back:
        factor = max(factor, config.weight_width)
    return signed(min(factor + second_shape(config).width, built(config).sum_width))


@dataclass(frozen=True)
class LaneTiming:
    """Cycles from the factors of a term to what else a lane wants, and gives.

    Parameters
    ----------
    sums : int
        To ``counts``, ``first`` and ``offset``.
    weight : int
        To the weight that terms depend on.
    before : int
        From the last term of a block, to what moves.
    moved : int
        To where it moves.
    """

    sums: int
    weight: int
    before: int
    moved: int

    @classmethod
    def of(cls, config: CoreConfig) -> "LaneTiming":
        """Timing of the lanes of a core."""
        product = 1 + built(config).products
        dependent = product + 2 * built(config).dependence
        shifted = dependent + (2 if _wires(config) else 3)
        return cls(dependent, product, shifted, shifted + 1)


class LearningLane(wiring.Component):
    """Multiply, sum, round, shift, add and clip: a term a cycle, never stalling.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core; :class:`LaneTiming` tells when members are wanted.

    Members
    -------
    p, q : In
        Factors of a term; without products, one of them is 0 or -1, and the term is the other if
        it is -1.
    backwards : In(1)
        Whether ``weight`` takes the place of ``p``; absent unless errors may go backwards.
    counts : In(1)
        Whether a term is there.
    first : In(1)
        It is the first of its block.
    offset : In(24)
        Rounding offset of the synapse, with the first term.
    weight : In(signed(weight_width))
        Weight before the step; if backwards, with ``q``. Absent unless errors may go backwards,
        or terms may depend on it.
    before : In(signed(weight_width))
        What moves: the weight, or an eligibility.
    dependence : In(Dependence)
        Factor of the weight, with ``weight``; absent unless terms may depend on it.
    weight_low, weight_high : In
        Least and greatest weight; absent unless terms may depend on it.
    decays : In(1)
        Whether a product is rounded toward zero, without an offset; absent unless there may be
        eligibilities. This and the next three hold still.
    shift, low, high : In
        Of the rounding, and of what moves.
    product : Out(product_shape(config))
        Product of two factors, two cycles after them; without products, one.
    moved : Out(signed(weight_width))
        Where it moves.
    """

    p: Signal
    q: Signal
    backwards: Signal
    counts: Signal
    first: Signal
    offset: Signal
    weight: Signal
    before: Signal
    dependence: Signal
    weight_low: Signal
    weight_high: Signal
    decays: Signal
    shift: Signal
    low: Signal
    high: Signal
    product: Signal
    moved: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        weight = config.weight.shape
        members: dict[str, Any] = {
            "p": In(factor_shape(config)),
            "q": In(second_shape(config)),
            "counts": In(1),
            "first": In(1),
            "offset": In(MOST_SHIFT),
            "before": In(weight),
            "shift": In(range(MOST_SHIFT + 1)),
            "low": In(weight),
            "high": In(weight),
            "product": Out(product_shape(config)),
            "moved": Out(weight),
        }
        if learning.back or learning.dependence:
            members["weight"] = In(weight)
        if learning.back:
            members["backwards"] = In(1)
        if learning.dependence:
            members["dependence"] = In(Dependence)
            members |= {"weight_low": In(weight), "weight_high": In(weight)}
        if learning.eligibility:
            members["decays"] = In(1)
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        width = self.config.weight_width + 1

        # Registers lie on both sides of the multiplier, if there is one.
        multiplicand: Any = (
            Mux(self.backwards, self.weight, self.p) if self.learning.back else self.p
        )
        if self.learning.products:
            a, b = Signal(Value.cast(multiplicand).shape(), name="a"), Signal.like(self.q, name="b")
            m.d.sync += [a.eq(multiplicand), b.eq(self.q), self.product.eq(a * b)]
        else:
            m.d.sync += self.product.eq(self.p & self.q)

        # The terms of a block are summed, with its offset; no sum of a rule is wider.
        addend = self._depend(m) if self.learning.dependence else self.product
        offset: Any = self.offset
        if self.learning.eligibility:
            missing = addend[-1].replicate(DECAY_FRACTION)
            offset = Mux(self.decays, missing, offset)
        total = Signal(signed(self.learning.sum_width))
        with m.If(self.counts):
            m.d.sync += total.eq(Mux(self.first, offset, total) + addend)

        # The sum is shifted; what is no change of a weight saturates, and is clipped at last.
        coarse, change = Signal(signed(width + 7)), Signal(signed(width))
        domain = m.d.comb if _wires(self.config) else m.d.sync
        domain += coarse.eq(coarse_shift(total, self.shift, width))
        m.d.sync += change.eq(fine_shift(coarse, self.shift, width))

        # It moves.
        after = Signal(signed(width + 1))
        m.d.comb += after.eq(self.before + change)
        m.d.sync += self.moved.eq(
            Mux(after < self.low, self.low, Mux(after > self.high, self.high, after))
        )

        return m

    def _depend(self, m: Module) -> Value:
        """Multiply a product by its factor of the weight."""
        factor = Signal(signed(self.config.weight_width + 1))
        above = self.dependence == Dependence.ABOVE
        m.d.sync += factor.eq(
            Mux(above, self.weight - self.weight_low, self.weight_high - self.weight)
        )

        # What does not depend on the weight may be wider, and goes round the second multiplier.
        narrow = Signal(signed(min(len(self.product), _DEPENDENT)))
        dependent = Signal(signed(self.learning.sum_width))
        m.d.sync += [narrow.eq(self.product), dependent.eq(narrow * factor)]
        alone = later(m, self.dependence == Dependence.ONE, 2)
        return Mux(alone, later(m, self.product, 2).as_signed(), dependent)


def _wires(config: CoreConfig) -> bool:
    """Whether shifts cost nothing, as they are always the same."""
    return "shift" in built(config).constants and not built(config).eligibility
