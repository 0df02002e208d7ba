"""The walk of the row pass: from a presynaptic neuron to the blocks and terms that live."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import CoreConfig
from ..event import INDEX_WIDTH
from ..neuron.noise import WORD_WIDTH
from ..skid import Skid
from .kinds import Dependence, Pre
from .layout import MODULATOR, built, rule_layout
from .row_pass_bits import numbered, picked, several

__all__ = [
    "RowWalk",
    "alive_layout",
    "request_layout",
    "select_term",
    "term_field",
    "visit_layout",
]


def visit_layout(config: CoreConfig) -> data.StructLayout:
    """A presynaptic neuron that has something to learn, or wants an error.

    ``index`` is its number in its population, ``weight_row`` the first row of its weights,
    ``operands`` what terms see of its traces, ``live`` the terms whose presynaptic factor is not
    0. With ``back``, the sum of the weights times delta is wanted, and no term is live.
    """
    learning = built(config)
    members: dict[str, Any] = {
        "index": INDEX_WIDTH,
        "weight_row": rule_layout(config)["weight_row"].shape,
        "operands": data.ArrayLayout(unsigned(learning.operand_width), learning.pre_traces),
        "live": learning.terms,
    }
    if learning.back:
        members["back"] = 1
    return data.StructLayout(members)


def alive_layout(config: CoreConfig) -> data.ArrayLayout:
    """Of each block of the target, which slots have a postsynaptic factor that is not 0."""
    return data.ArrayLayout(unsigned(built(config).slots), config.neuron_rows)


def request_layout(config: CoreConfig) -> data.StructLayout:
    """A term of a block: what is read for it, and its presynaptic factor and coefficient.

    ``first`` and ``last`` of its block; ``ends`` with the last block of the neuron. ``mixed`` is
    the word of the step, exclusive or the index of the neuron.
    """
    learning = built(config)
    members: dict[str, Any] = {
        "mixed": WORD_WIDTH,
        "weight_row": range(max(config.weight_rows, config.synapse_rows * learning.sparse)),
        "slot": range(learning.slots),
        "block": range(config.neuron_rows),
        "coefficient": MODULATOR,
        "operand": unsigned(learning.operand_width),
        "first": 1,
        "last": 1,
    }
    if learning.dependence:
        members["dependence"] = Dependence
    if learning.back:
        members |= {"back": 1, "ends": 1, "index": INDEX_WIDTH}
    return data.StructLayout(members)


def term_field(config: CoreConfig, rule: Any, name: str) -> list[Value]:
    """A field of each term of a rule."""
    return [Value.cast(rule[f"term{k}_{name}"]) for k in range(built(config).terms)]


class RowWalk(wiring.Component):
    """Give a request for each pair of a block and a term that live, one a cycle.

    There is no gap between requests, nor between neurons; a neuron without one takes a cycle.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(visit_layout(config)))
        Presynaptic neurons.
    o : Out(stream.Signature(request_layout(config)))
        Requests: blocks ascending, and the terms of each.
    rule : In(rule_layout(config))
        The rule; it holds still.
    modulator : In(MODULATOR)
        Of the step.
    word : In(32)
        Noise word of the step.
    q_live : In(alive_layout(config))
        Which blocks and slots live; it holds still.
    sweeps : In(1)
        Every block lives, whatever ``q_live`` says; absent unless there may be eligibilities.
    idle : Out(1)
        Nothing is in the walk.
    """

    i: stream.Interface
    o: stream.Interface
    rule: Any
    modulator: Signal
    word: Signal
    q_live: Any
    sweeps: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        members: dict[str, Any] = {
            "i": In(stream.Signature(visit_layout(config))),
            "o": Out(stream.Signature(request_layout(config))),
            "rule": In(rule_layout(config)),
            "modulator": In(MODULATOR),
            "word": In(WORD_WIDTH),
            "q_live": In(alive_layout(config)),
            "idle": Out(1),
        }
        if built(config).eligibility:
            members["sweeps"] = In(1)
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Build three places: a neuron, one of its blocks, one of the terms of that."""
        m = Module()
        layout, request = visit_layout(self.config), self.o.payload
        arriving: Any = self.i
        waits: Any = self.i.valid
        if built(self.config).pre_lanes > 1:
            # Neurons that are chosen among many come late in a cycle.
            m.submodules.skid = skid = Skid(layout)
            connect(m, flipped(self.i), skid.i)
            arriving, waits = skid.o, skid.i.valid | skid.o.valid
        visit, walked = Signal(layout, name="visit"), Signal(layout, name="walked")

        # A term waits until it is taken; a block until its last term goes.
        slots, block = Signal(built(self.config).slots), Signal(range(self.config.neuron_rows))
        others, one, moves, free = Signal.like(slots), Signal.like(slots), Signal(), Signal()
        m.d.comb += [
            moves.eq(~self.o.valid | self.o.ready),
            others.eq(slots & (slots - 1)),
            one.eq(slots & ~others),
            free.eq(moves & ~several(slots)),
        ]

        # A neuron waits until its last block goes.
        todo, rest, chosen = self._blocks(m, arriving, free)
        with m.If(arriving.ready):
            m.d.sync += visit.eq(arriving.payload)

        first, ends = Signal(), Signal()
        with m.If(free):
            m.d.sync += [
                walked.eq(visit),
                block.eq(numbered(chosen)),
                slots.eq(picked(chosen, self._rows()) & _slots(visit)),
                first.eq(1),
                ends.eq(rest == 0),
            ]
        with m.Elif(moves):
            m.d.sync += [slots.eq(others), first.eq(0)]

        with m.If(moves):
            m.d.sync += [
                self.o.valid.eq(slots != 0),
                request.first.eq(first),
                request.last.eq(others == 0),
                request.mixed.eq(self.word ^ walked.index),
                request.weight_row.eq(walked.weight_row + block),
                request.slot.eq(numbered(one)),
                request.block.eq(block),
                *select_term(self, request, one, walked),
                *([request.ends.eq(ends)] if built(self.config).back else []),
            ]
        waits = waits | (todo != 0) | (slots != 0)
        m.d.comb += self.idle.eq(~(waits | self.o.valid))

        return m

    def _blocks(self, m: Module, arriving: Any, free: Signal) -> tuple[Signal, Signal, Signal]:
        """Keep the blocks of a neuron that live; give all, all but the first, and the first."""
        todo, chosen = Signal(self.config.neuron_rows), Signal(self.config.neuron_rows)
        rest, wanted = Signal.like(todo), Signal.like(todo)
        slots = _slots(arriving.payload)
        m.d.comb += [
            rest.eq(todo & (todo - 1)),
            chosen.eq(todo & ~rest),
            wanted.eq(Cat((row & slots).any() for row in self._rows())),
            arriving.ready.eq(~several(todo) & (free | (todo == 0))),
        ]
        with m.If(arriving.ready):
            m.d.sync += todo.eq(Mux(arriving.valid, wanted, 0))
        with m.Elif(free):
            m.d.sync += todo.eq(rest)
        return todo, rest, chosen

    def _rows(self) -> list[Value]:
        rows = [self.q_live[block] for block in range(self.config.neuron_rows)]
        if built(self.config).eligibility:
            there = [self.sweeps & (self.rule.blocks > block) for block in range(len(rows))]
            rows = [row | bit.replicate(len(row)) for row, bit in zip(rows, there, strict=True)]
        return rows


def select_term(walk: Any, request: Any, one: Signal, walked: Any) -> list[Any]:
    """Assign what depends on the term that is marked in ``one``, and on the neuron.

    ``walk`` has the members ``rule`` and ``modulator``, and ``sweeps`` if there may be.
    """
    config, rule, learning = walk.config, walk.rule, built(walk.config)
    coefficients = [
        Mux(modulated, walk.modulator, own).as_signed()
        for modulated, own in zip(
            term_field(config, rule, "modulated"),
            term_field(config, rule, "coefficient"),
            strict=True,
        )
    ]
    operands = [
        picked(
            Cat(pre == kind for kind in Pre),
            [Const(1), *(walked.operands[n] for n in range(learning.pre_traces))],
        )
        for pre in term_field(config, rule, "pre")
    ]
    assigned = [
        request.coefficient.eq(picked(one, coefficients)),
        request.operand.eq(picked(one, operands)),
    ]
    if learning.dependence:
        dependence = picked(one, term_field(config, rule, "dependence"))
        if "sweeps" in walk.signature.members:
            dependence = Mux(walk.sweeps, Dependence.ONE, dependence)
        assigned.append(request.dependence.eq(dependence))
    if learning.back:
        assigned += [request.back.eq(walked.back), request.index.eq(walked.index)]
    return assigned


def _slots(visit: Any) -> Value:
    """Slots that a neuron asks for: its terms, then delta."""
    return Cat(visit.live, visit.back) if "back" in visit.shape().members else visit.live
