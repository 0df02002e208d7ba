"""A lane of the post pass: what one postsynaptic neuron has for the terms of a rule."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..number import DECAY_FRACTION, Signed
from .delay import later
from .kinds import Post, Seen, Surrogate, TraceKind
from .layout import ERROR, TRACE_WIDTH, built, post_factor_shape, rule_layout

__all__ = ["PostLane"]

_LARGEST = (1 << TRACE_WIDTH) - 1


class PostLane(wiring.Component):
    """Traces, delta and the factors of the terms; a neuron a cycle, without a stall.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Attributes
    ----------
    latency : int
        Cycles from a neuron to its factors: 2, or 5 with errors.

    Members
    -------
    rule : In(rule_layout(config))
        The rule, which holds still, as does ``modulated``.
    modulated : In(1)
        The modulator is not 0.
    spike, exists : In(1)
        Whether the neuron fired in this step, and whether there is one.
    potential : In(signed(fields.width))
        Its potential after the step.
    bar : In(signed(fields.width + 2))
        Its threshold and adaptation.
    error : In(signed(16))
        What it was given.
    traces : In
        Its traces, a struct of ``y1`` to ``y3``.
    next_traces : Out
        The same after the step, two cycles later.
    delta : Out(signed(16))
        Its error as the rule sees it, ``latency`` cycles later.
    factors : Out(ArrayLayout(post_factor_shape(config), terms))
        Postsynaptic factors of the terms, ``latency`` cycles later.
    """

    rule: Any
    modulated: Signal
    spike: Signal
    exists: Signal
    potential: Signal
    bar: Signal
    error: Signal
    traces: Any
    next_traces: Any
    delta: Signal
    factors: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = built(config)
        self.latency = 5 if self.learning.errors else 2
        self.factor = post_factor_shape(config)
        width = config.fields.width
        names = [f"y{n}" for n in range(1, self.learning.post_traces + 1)]
        traces = data.StructLayout(dict.fromkeys(names, unsigned(TRACE_WIDTH)))
        super().__init__({
            "rule": In(rule_layout(config)),
            "modulated": In(1),
            "spike": In(1),
            "exists": In(1),
            "potential": In(signed(width)),
            "bar": In(signed(width + 2)),
            "error": In(ERROR),
            "traces": In(traces),
            "next_traces": Out(traces),
            "delta": Out(ERROR),
            "factors": Out(data.ArrayLayout(self.factor, self.learning.terms)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build traces, delta and SDSP, and select from them for each term."""
        m = Module()
        seen = [self._trace(m, f"y{n}") for n in range(1, self.learning.post_traces + 1)]
        known: dict[Post, Value] = {Post.ONE: Const(1)}
        for post, operand in zip((Post.Y1, Post.Y2, Post.Y3), seen, strict=False):
            known[post] = later(m, operand, self.latency - 2)
        if self.learning.errors:
            known[Post.DELTA] = self._delta(m)
        if self.learning.sdsp:
            known[Post.SDSP] = later(m, self._sdsp(m, seen[0]), self.latency - 2)

        # A term has its factor, unless it waits for a spike or for the modulator.
        spike, exists = (later(m, bit, self.latency) for bit in (self.spike, self.exists))
        opened = ~self.rule.gate | self.modulated
        if self.learning.errors:
            m.d.comb += self.delta.eq(known[Post.DELTA])
        for k in range(self.learning.terms):
            factor = Signal(self.factor, name=f"factor_{k}")
            with m.Switch(self.rule[f"term{k}_post"]):
                for post, value in known.items():
                    with m.Case(post):
                        m.d.comb += factor.eq(value)
            counts = exists & opened & (spike | ~self.rule[f"term{k}_on_post"])
            m.d.comb += self.factors[k].eq(Mux(counts, factor, 0))

        return m

    def _trace(self, m: Module, name: str) -> Value:
        """Let a trace decay and rise; give what terms see of it, two cycles later."""
        rule = self.rule

        # It decays in the first cycle.
        product = Signal(TRACE_WIDTH + DECAY_FRACTION + 1, name=f"{name}_product")
        m.d.sync += product.eq(self.traces[name] * rule[f"{name}_decay"])
        spike = later(m, self.spike, 1)

        # It rises in the second.
        left, sum_ = Signal(TRACE_WIDTH, name=f"{name}_left"), Signal(TRACE_WIDTH + 1)
        risen = Signal(TRACE_WIDTH, name=f"{name}_risen")
        increment = rule[f"{name}_increment"]
        m.d.comb += [
            left.eq(product >> DECAY_FRACTION),
            sum_.eq(left + increment),
            risen.eq(Mux(sum_[-1], _LARGEST, sum_)),
        ]
        with m.If(rule[f"{name}_kind"] == TraceKind.NEAREST):
            m.d.comb += risen.eq(increment)
        after, width = Signal(TRACE_WIDTH, name=f"{name}_after"), self.learning.operand_width
        m.d.comb += after.eq(Mux(spike, risen, left))
        seen = Signal(unsigned(width), name=f"{name}_seen")
        shown = Mux(rule[f"{name}_seen"] == Seen.AFTER, after, left)
        m.d.sync += [
            self.next_traces[name].eq(after),
            seen.eq(shown >> (TRACE_WIDTH - width)),
        ]
        return seen

    def _delta(self, m: Module) -> Value:
        """Give delta five cycles later: distance, surrogate, product."""
        rule = self.rule

        # The distance to the threshold before a reset, and the error.
        distance = Signal(signed(len(self.bar) + 1))
        error, wide = Signal(ERROR), Signal(signed(ERROR.width + 1))
        taught = self.spike & self.modulated
        m.d.sync += distance.eq(self.potential - Mux(self.spike, 0, self.bar))
        m.d.comb += wide.eq(self.error - Mux(taught, rule.spike_value, 0))
        m.d.sync += error.eq(Signed(ERROR.width).saturate(wide))

        # Its magnitude, in the unit of the surrogate.
        far, unit = Signal(len(distance)), Signal(len(distance))
        m.d.comb += far.eq(Mux(distance[-1], -distance, distance))
        m.d.sync += unit.eq(far >> rule.width)
        psi = self._surrogate(m, unit)

        # Their product, rounded toward zero; 0 if there is no neuron.
        product = Signal(signed(ERROR.width + 8))
        delta, exists = Signal(ERROR), later(m, self.exists, self.latency - 1)
        rounded = (product + Mux(product[-1], 255, 0)) >> 8
        m.d.sync += [
            product.eq(psi * later(m, error, 2)),
            delta.eq(Mux(exists, rounded, 0)),
        ]
        return delta

    def _surrogate(self, m: Module, unit: Signal) -> Signal:
        """Give the derivative of the spike, 0 to 255, a cycle later."""
        psi = Signal(8)
        near = Signal()
        low = unit[:8]
        halved = Const(256, 9) - (low >> 1)
        decayed = Signal(9)
        m.d.comb += near.eq(unit[8:] == 0)
        m.d.comb += decayed.eq(Mux(unit[12:] == 0, halved >> unit[8:12], 0))
        with m.Switch(self.rule.surrogate):
            with m.Case(Surrogate.BOX):
                m.d.sync += psi.eq(Mux(near, 255, 0))
            with m.Case(Surrogate.TRIANGLE):
                m.d.sync += psi.eq(Mux(near, ~low, 0))
            with m.Case(Surrogate.EXPONENTIAL):
                m.d.sync += psi.eq(Mux(decayed[8], 255, decayed))
            with m.Default():
                m.d.sync += psi.eq(255)
        return psi

    def _sdsp(self, m: Module, y1: Value) -> Value:
        """Give 1, -1 or 0 in the cycle in which ``y1`` is there."""
        rule = self.rule
        high = Signal()
        m.d.sync += high.eq(self.potential >= rule.potential)
        above = later(m, high, 1)
        up = above & (rule.up_low <= y1) & (y1 < rule.up_high)
        down = ~above & (rule.down_low <= y1) & (y1 < rule.down_high)
        return Cat(up | down, down).as_signed()
