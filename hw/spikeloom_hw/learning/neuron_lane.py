"""A lane that learns the threshold and the leak of a neuron."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..event import INDEX_WIDTH
from ..neuron.noise import WORD_WIDTH, hashed
from ..number import DECAY_WIDTH, Signed, decayed
from .delay import later
from .draw import COLUMNS
from .kinds import Rounding
from .layout import ERROR, neuron_traces, rule_layout

__all__ = ["DELTA_AT", "LEARNED_AT", "NeuronLearningLane"]

DELTA_AT = 5
"""Cycles from a neuron to its delta."""

LEARNED_AT = DELTA_AT + 5
"""Cycles from a neuron to its new parameters."""

_ONE = 256
_PRODUCT = signed(34)
_MOST_SHIFT = 31


class NeuronLearningLane(wiring.Component):
    """Follow equations 24, 26, 27 and 30 of STOP (arXiv 2411.11082); a neuron a cycle.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core whose thresholds and leaks may learn.

    Members
    -------
    rule : In(rule_layout(config))
        The rule, which holds still, as do ``learns`` and ``word``.
    learns : In(1)
        Parameters change in this step.
    word : In(32)
        Noise word of the time step.
    index : In(20)
        Number of the neuron in its population.
    exists, spike : In(1)
        Whether there is one, and whether it fired in this step.
    potential, threshold : In(signed(fields.width))
        Its potential after the step, and its threshold.
    decay : In(13)
        Its decay.
    traces : In
        What was kept of it: a struct of :func:`~.layout.neuron_traces`.
    delta : In(signed(16))
        Its delta, ``DELTA_AT`` cycles later.
    next_traces : Out
        What is kept of it, two cycles later.
    next_threshold, next_decay : Out
        Its parameters, ``LEARNED_AT`` cycles later.
    """

    rule: Any
    learns: Signal
    word: Signal
    index: Signal
    exists: Signal
    spike: Signal
    potential: Signal
    threshold: Signal
    decay: Signal
    traces: Any
    delta: Signal
    next_traces: Any
    next_threshold: Signal
    next_decay: Signal

    def __init__(self, config: CoreConfig) -> None:
        traces = data.StructLayout(neuron_traces(config))
        potential = signed(config.fields.width)
        super().__init__({
            "rule": In(rule_layout(config)),
            "learns": In(1),
            "word": In(WORD_WIDTH),
            "index": In(INDEX_WIDTH),
            "exists": In(1),
            "spike": In(1),
            "potential": In(potential),
            "threshold": In(potential),
            "decay": In(DECAY_WIDTH),
            "traces": In(traces),
            "delta": In(ERROR),
            "next_traces": Out(traces),
            "next_threshold": Out(potential),
            "next_decay": Out(DECAY_WIDTH),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build traces, random words, and the changes of both parameters."""
        m = Module()
        rule, number = self.rule, Signed(ERROR.width)

        # Traces decay with the neuron.
        lowered = Signal(signed(ERROR.width + 1))
        bars, leaks = (Signal(signed(ERROR.width + 1 + DECAY_WIDTH), name=n) for n in ("a", "b"))
        given = Signal.like(self.potential)
        m.d.comb += lowered.eq(self.traces.threshold_trace - Mux(self.traces.fired, _ONE, 0))
        m.d.sync += [
            bars.eq(lowered * Cat(self.decay, 0).as_signed()),
            leaks.eq(self.traces.decay_trace * Cat(self.decay, 0).as_signed()),
            given.eq(self.traces.potential >> rule.leak_shift),
        ]
        left, sum_ = Signal(signed(len(bars))), Signal(signed(len(bars) + 1))
        kept = self.next_traces
        m.d.comb += [left.eq(decayed(bars)), sum_.eq(decayed(leaks) + given)]
        m.d.sync += [
            kept.threshold_trace.eq(number.saturate(left)),
            kept.decay_trace.eq(number.saturate(sum_)),
            kept.fired.eq(later(m, self.spike, 1)),
            kept.potential.eq(later(m, self.potential, 1)),
        ]

        # Four rounds of the hash take two cycles.
        half, whole = Signal(WORD_WIDTH), Signal(WORD_WIDTH)
        seeds = Cat(rule.seed, rule.seed)
        m.d.sync += [
            half.eq(hashed(m, hashed(m, self.word ^ self.index) ^ seeds)),
            whole.eq(hashed(m, hashed(m, half))),
        ]

        # Changes are products with delta, of traces that have waited for it.
        before = later(m, kept.threshold_trace - _ONE, DELTA_AT - 2)
        leak = later(m, kept.decay_trace, DELTA_AT - 2)
        for name, factor, word, out in (
            ("threshold", before, whole, self.next_threshold),
            ("decay", leak, whole ^ COLUMNS[0], self.next_decay),
        ):
            offset = self._offset(m, word, rule[f"{name}_shift"])
            change = self._change(m, factor, offset, rule[f"{name}_shift"])
            self._move(m, name, change, out)

        return m

    def _offset(self, m: Module, word: Value, shift: Value) -> Value:
        """Give the rounding offset in the cycle after the product, of a word after two cycles."""
        ones, offset = Signal(_MOST_SHIFT), Signal(_MOST_SHIFT)
        m.d.comb += ones.eq((1 << shift) - 1)
        nearest = self.rule.rounding == Rounding.NEAREST
        m.d.sync += offset.eq(Mux(nearest, ones ^ ones >> 1, word & ones))
        return later(m, offset, DELTA_AT + 1 - 3)

    def _change(self, m: Module, factor: Value, offset: Value, shift: Value) -> Value:
        """Multiply by delta, round and shift."""
        product, total = Signal(_PRODUCT), Signal(_PRODUCT)
        change = Signal(_PRODUCT)
        m.d.sync += [
            product.eq(self.delta * factor),
            total.eq(product + offset),
            change.eq(total >> shift),
        ]
        return change

    def _move(self, m: Module, name: str, change: Value, out: Signal) -> None:
        """Add a change to a parameter, and clip it a cycle later."""
        rule = self.rule
        value = Value.cast(getattr(self, name))
        low, high = (Value.cast(rule[f"{name}_{end}"]) for end in ("low", "high"))
        old = later(m, value, LEARNED_AT - 2)
        exists = later(m, self.exists, LEARNED_AT - 1)
        after = Signal(signed(len(change) + 2))
        m.d.sync += after.eq(old + change)
        counts = rule[f"learn_{name}"] & self.learns & exists
        clipped = Mux(after < low, low, Mux(after > high, high, after))
        m.d.sync += out.eq(Mux(counts, clipped, later(m, old, 1)))
