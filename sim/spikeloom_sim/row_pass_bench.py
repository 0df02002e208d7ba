"""Bench of the row pass: its memories, and random rules and neurons for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.lane_pipe import LanePipe
from spikeloom_hw.learning import Dependence, Errors, LearningRule, Post, Pre, Rounding, Term, Trace
from spikeloom_hw.learning.layout import built
from spikeloom_hw.learning.row_pass import RowPass
from spikeloom_hw.memory import RowMem
from spikeloom_hw.neuron.noise import word_at
from spikeloom_hw.packing import pack_rows

from .learning.changes import change_weights, pre_factor, term_sum

__all__ = ["RowCase", "RowPassBench", "random_case", "random_rules"]


@dataclass(frozen=True)
class RowCase:
    """What the row pass does in one step.

    Parameters
    ----------
    rule : LearningRule
        The rule.
    modulator, time : int
        Of the step.
    p, q : list of (pre,) and of (post,) int64 array
        Factors of each term.
    x : (traces, pre) int64 array
        What terms see of presynaptic traces.
    weights : (pre, post) int64 array
        Weights before the step.
    delta : (post,) int64 array or None
        What goes backwards, if anything does.
    eligibility : (pre, post) int64 array or None
        Eligibilities before the step, if the rule has them.
    """

    rule: LearningRule
    modulator: int
    time: int
    p: list[np.ndarray]
    q: list[np.ndarray]
    x: np.ndarray
    weights: np.ndarray
    delta: np.ndarray | None = None
    eligibility: np.ndarray | None = None

    @property
    def after(self) -> np.ndarray:
        """Weights after the step, as the golden model has them."""
        rows, columns = (np.arange(n) for n in self.weights.shape)
        sums = term_sum(self.rule, self.p, self.q, self.weights)
        return change_weights(self.rule, self.weights, sums, self.time, rows, columns)


def random_rules(config: CoreConfig, rng: np.random.Generator) -> Iterator[LearningRule]:
    """Draw rules of any kind that a core has room for, without end."""
    learning = built(config)
    posts = [Post.Y1, Post.DELTA] if learning.errors else [Post.Y1]
    while True:
        low = int(rng.integers(config.weight.low, config.weight.high))
        terms = [
            Term(
                int(rng.integers(-128, 128) >> rng.integers(8)),
                Pre(int(rng.integers(learning.pre_traces + 1))),
                posts[int(rng.integers(len(posts)))],
                on_pre=bool(rng.integers(2)),
                modulated=bool(rng.random() < 0.2),
                dependence=Dependence(int(rng.integers(3) if learning.dependence else 0)),
            )
            for _ in range(rng.integers(1, learning.terms + 1))
        ]
        try:
            yield LearningRule(
                tuple(terms),
                shift=int(rng.integers(25)),
                low=low,
                high=int(rng.integers(low, config.weight.high + 1)),
                pre_traces=(Trace(4000, 1000),) * learning.pre_traces,
                post_traces=(Trace(4000, 1000),),
                rounding=Rounding(int(rng.integers(2))),
                seed=int(rng.integers(1 << 16)),
                errors=Errors() if learning.errors else None,
                operand_width=learning.operand_width,
            )
        except ValueError:
            # Its products are too wide.
            continue


def random_case(
    config: CoreConfig, rule: LearningRule, rng: np.random.Generator, pre: int
) -> RowCase:
    """Draw what ``pre`` neurons and those of all blocks know, with many zeros."""
    learning = built(config)
    modulator = int(rng.integers(-128, 128))
    most = (1 << learning.operand_width) - 1
    x = rng.integers(0, most + 1, (learning.pre_traces, pre)) * rng.integers(0, 2, pre)
    spikes = rng.random(pre) < 0.5
    columns = config.neuron_rows * config.lanes
    q = []
    for term in rule.terms:
        low, high = (-(1 << 15), 1 << 15) if term.post is Post.DELTA else (0, most + 1)
        there = np.repeat(rng.integers(0, 2, config.neuron_rows), config.lanes)
        q.append(rng.integers(low, high, columns) * there * rng.integers(0, 2, columns))
    p = [pre_factor(term, spikes, list(x), modulator) for term in rule.terms]
    weights = rng.integers(rule.low, rule.high + 1, (pre, columns))
    return RowCase(rule, modulator, int(rng.integers(1 << 20)), p, q, x, weights)


class RowPassBench(Component):
    """A row pass between its memories.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = built(config)
        self.row_pass: Any = RowPass(config)
        weights, operands = (
            port.read_data.shape() for port in (self.row_pass.weights, self.row_pass.operands)
        )
        captured = LanePipe.lead_of(config) == 1
        rows, ports = config.weight_rows, config.weight_ports
        self.weights: Any = RowMem(weights, rows, ports, captured=captured)
        if self.learning.eligibility:
            self.eligibilities: Any = RowMem(weights, rows, ports, captured=captured)
        self.operands: Any = RowMem(operands, 1 << len(self.row_pass.operands.read_row))
        super().__init__({"unused": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Connect the memories."""
        m = Module()
        m.submodules.row_pass = part = self.row_pass
        names = ("operands", "weights", "eligibilities")[: 2 + self.learning.eligibility]
        for name in names:
            memory, port = getattr(self, name), getattr(part, name)
            m.submodules[name] = memory
            m.d.comb += [
                memory.read.eq(port.read),
                memory.read_row.eq(port.read_row),
                port.read_data.eq(memory.read_data),
            ]
            if name != "operands":
                m.d.comb += [
                    memory.write.eq(port.write),
                    memory.write_row.eq(port.write_row),
                    memory.write_data.eq(port.write_data),
                ]
        return m

    def visits(self, case: RowCase, order: Any) -> list[dict[str, Any]]:
        """Payloads for the neurons of ``order``, also of those without a term."""
        return [
            {
                "index": int(i),
                "weight_row": int(i) * self.config.neuron_rows,
                "operands": [int(x[i]) for x in case.x],
                "live": sum(bool(p[i]) << k for k, p in enumerate(case.p)),
            }
            for i in order
        ]

    async def load(self, ctx: Any, case: RowCase) -> None:
        """Write the memories and the registers."""
        await self._load_rows(ctx, self.weights, case.weights)
        if case.eligibility is not None:
            await self._load_rows(ctx, self.eligibilities, case.eligibility)
        await self._load_operands(ctx, case)
        part, rule = self.row_pass, case.rule
        ctx.set(part.modulator, case.modulator)
        ctx.set(part.word, int(word_at(case.time)))
        names = ("shift", "low", "high", "seed", "rounding")
        fields: dict[str, Any] = {name: getattr(rule, name) for name in names}
        if rule.back:
            fields["back_shift"] = rule.back.shift
        fields["blocks"] = self.config.neuron_rows
        if rule.eligibility:
            fields["eligible"] = 1
            fields["reward_shift"] = rule.eligibility.reward_shift
            fields["eligibility_decay"] = rule.eligibility.decay
        for k, term in enumerate(rule.terms):
            for name in ("coefficient", "pre", "modulated"):
                fields[f"term{k}_{name}"] = getattr(term, name)
            if self.learning.dependence:
                fields[f"term{k}_dependence"] = term.dependence
        ctx.set(part.rule, fields)
        await ctx.tick().repeat(4)

    async def _load_rows(self, ctx: Any, memory: Any, values: np.ndarray) -> None:
        rows = pack_rows(memory.layout, values.reshape(-1, self.config.lanes))
        ctx.set(memory.host_write, 1)
        for row, words in enumerate(rows):
            for word, value in enumerate(words):
                ctx.set(memory.host_address, row << memory.word_bits | word)
                ctx.set(memory.host_value, int(value))
                await ctx.tick()
        ctx.set(memory.host_write, 0)

    async def _load_operands(self, ctx: Any, case: RowCase) -> None:
        slots = dict(enumerate(case.q))
        if case.delta is not None:
            slots[self.learning.terms] = case.delta
        live = [0] * self.config.neuron_rows
        ctx.set(self.operands.write, 1)
        for slot, factors in slots.items():
            for block, values in enumerate(factors.reshape(-1, self.config.lanes)):
                live[block] |= bool(values.any()) << slot
                row = block << (self.learning.slots - 1).bit_length() | slot
                ctx.set(self.operands.write_row, row)
                ctx.set(self.operands.write_data, [int(value) for value in values])
                await ctx.tick()
        ctx.set(self.operands.write, 0)
        ctx.set(self.row_pass.q_live, live)
