"""The row pass: weights of presynaptic neurons that have something to learn, block by block."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import CoreConfig
from ..lane_pipe import LanePipe
from ..layout import Layouts
from ..neuron.noise import WORD_WIDTH
from .backward import Backward, error_layout
from .delay import later
from .draw import DRAW_STAGES, Draw, drawn_for
from .kinds import Rounding
from .lane import LaneTiming, LearningLane, factor_shape
from .layout import MODULATOR, built, operand_rows, operands_layout, rule_layout
from .port import RowPort
from .row_pass_kind import PassKind, Settings
from .row_pass_walk import RowWalk, alive_layout, visit_layout
from .sparse_rows import LOOKUP, serve_rows
from .sparse_walk import join_walks, sparse_members

__all__ = ["RowPass"]


class RowPass(wiring.Component):
    """Learn a block of a presynaptic neuron in as many cycles as it has terms that live.

    There is no gap between blocks or neurons, but reads and writes of a weight memory with one
    port alternate, so that a block takes two cycles at least. A neuron without anything that
    lives takes a cycle. A row of weights must not come a second time before ``idle``.

    If errors may go backwards, neurons whose errors are wanted come between two times of
    ``idle``, without others, and nothing is written.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    i : In(stream.Signature(visit_layout(config)))
        Presynaptic neurons.
    rule : In(rule_layout(config))
        The rule. This and the next three hold still from four cycles before a neuron to ``idle``.
    modulator : In(MODULATOR)
        Of the step.
    word : In(32)
        Noise word of the step.
    q_live : In(alive_layout(config))
        Of each block, which slots have an operand that is not 0; none of blocks that are not
        there.
    operands : Out(RowPort)
        Memory of operands; a row comes a cycle after it was read.
    weights : Out(RowPort)
        Memory of weights; a row comes two cycles after it was read, or one, if it has one port.
    kind : In(PassKind)
        What is done. A pass that does not learn takes every block of the neurons that come, each
        of which must have one live term. Absent, as the next, unless there may be eligibilities.
    eligibilities : Out(RowPort)
        Memory of eligibilities, like that of weights.
    errors : Out(stream.Signature(error_layout(), always_ready=True))
        Errors of presynaptic neurons, those without any block that lives left out; absent unless
        errors may go backwards.
    some, pointers, synapses, operand_rows
        Of ``SparseWalk`` and ``SparseRows``; absent unless sparse projections may learn.
    idle : Out(1)
        All that came is done.
    """

    i: stream.Interface
    rule: Any
    modulator: Signal
    word: Signal
    q_live: Any
    operands: Any
    weights: Any
    kind: Signal
    eligibilities: Any
    errors: stream.Interface
    some: Signal
    pointers: Any
    synapses: Any
    operand_rows: Any
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.learning = learning = built(config)
        self.timing = LaneTiming.of(config)
        delay = 1 + (LanePipe.lead_of(config) == 1)
        # Cycles from a request to its factors, of which one may come from the rows; lanes that do
        # not multiply need no registers behind the operands, which are read a cycle later.
        self._factors = delay if learning.back or learning.eligibility else 2 - learning.products
        if learning.sparse:
            self._factors = LOOKUP + 1
        self._ahead = self._factors - delay
        self._early = self._factors + self.timing.weight - delay
        self._late = self._factors + self.timing.before - delay
        self._write = self._factors + self.timing.moved
        self.lanes: list[Any] = [LearningLane(config) for _ in range(config.lanes)]
        rows = RowPort(Layouts(config).weights, config.weight_rows)
        members: dict[str, Any] = {
            "i": In(stream.Signature(visit_layout(config))),
            "rule": In(rule_layout(config)),
            "modulator": In(MODULATOR),
            "word": In(WORD_WIDTH),
            "q_live": In(alive_layout(config)),
            "operands": Out(RowPort(operands_layout(config), operand_rows(config), writes=False)),
            "weights": Out(rows),
            "idle": Out(1),
        }
        if learning.eligibility:
            members |= {"kind": In(PassKind), "eligibilities": Out(rows)}
        if learning.sparse:
            members |= sparse_members(config)
        if learning.back:
            members["errors"] = Out(stream.Signature(error_layout(), always_ready=True))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Chain the walk, the memories, the lanes and the draw."""
        m = Module()
        settings = Settings.of(m, self.config, self)
        m.submodules.walk = walk = RowWalk(self.config)
        walks = join_walks(m, self, walk)
        m.d.comb += [
            walk.rule.eq(self.rule),
            walk.modulator.eq(self.modulator),
            walk.word.eq(self.word),
            walk.q_live.eq(self.q_live),
        ]
        if self.learning.eligibility:
            m.d.comb += walk.sweeps.eq(settings.sweeps)

        # A request travels along with what is done for it.
        valid, requests = [walks.o.valid & walks.o.ready], [walks.o.payload]
        for stage in range(1, self._write + 1):
            valid.append(Signal(name=f"valid_{stage}"))
            requests.append(Signal(requests[0].shape(), name=f"request_{stage}"))
            m.d.sync += [valid[-1].eq(valid[-2]), requests[-1].eq(requests[-2])]

        back = self.learning.back
        learns = [v & ~r.back if back else v for v, r in zip(valid, requests, strict=True)]
        rows: Any = serve_rows(m, self, self._late, (valid, learns, requests))
        self._read_rows(m, walks.o, settings, (valid, learns), requests)
        write = learns[-1] & requests[-1].last
        self._write_rows(m, settings, write & ~rows.rule.sparse if rows else write, requests)
        self._feed(m, settings, requests, rows)
        self._sum(m, settings, learns, requests, rows)
        busy: Any = Cat(valid[1:]).any()
        if back:
            m.submodules.backward = backward = Backward(self.config)
            at = self._factors + 2
            m.d.comb += [
                backward.valid.eq(valid[at] & requests[at].back),
                backward.ends.eq(requests[at].ends),
                backward.index.eq(requests[at].index),
                backward.shift.eq(self.rule.back_shift),
                *(backward.products[k].eq(lane.product) for k, lane in enumerate(self.lanes)),
            ]
            connect(m, backward.o, flipped(self.errors))
            busy = busy | backward.busy
        m.d.comb += self.idle.eq(walks.idle & ~busy)

        return m

    def _read_rows(
        self, m: Module, o: Any, settings: Settings, passing: Any, requests: list[Any]
    ) -> None:
        """Read operands and rows, each when the lanes want it."""
        valid, learns = passing
        late = learns[self._late] & requests[self._late].last
        reads, row = late, requests[self._late].weight_row
        if self.learning.dependence:
            reads = learns[self._early] & requests[self._early].first
            row = requests[self._early].weight_row
        goes, ahead = valid[self._ahead], requests[self._ahead].weight_row
        asks = 0 if self.learning.products and not self.learning.sparse else self._factors - 1
        if self.learning.back:
            wanted = goes & requests[self._ahead].back
            reads, row = reads | wanted, Mux(wanted, ahead, row)
        m.d.comb += [
            o.ready.eq(~self._holds(o.payload, settings, learns, requests)),
            self.operands.read.eq(valid[asks]),
            self.operands.read_row.eq(Cat(requests[asks].slot, requests[asks].block)),
            self.weights.read.eq(reads),
            self.weights.read_row.eq(row),
        ]
        if self.learning.eligibility:
            other = requests[self._late].weight_row
            m.d.comb += [
                self.eligibilities.read.eq(Mux(settings.sweeps, goes, late)),
                self.eligibilities.read_row.eq(Mux(settings.sweeps, ahead, other)),
            ]

    def _holds(
        self, request: Any, settings: Settings, learns: list[Any], requests: list[Any]
    ) -> Value:
        """Whether a request would read a memory that something else has for this cycle.

        That is a write, if there is one port; or the second read of a word of synapses.
        """
        writes = [learn & passed.last for learn, passed in zip(learns, requests, strict=True)]
        again = [self.rule.sparse & writes[self._late]] if self.learning.sparse else []
        if self.config.weight_ports == 2:
            return Cat(again).any() if again else Const(0)
        held = again
        if self.learning.dependence:
            held.append(request.first & writes[self._write - self._early])
        if self.learning.eligibility or not self.learning.dependence:
            held.append(request.last & writes[self._write - self._late])
        if self.learning.eligibility:
            held.append(settings.sweeps & writes[self._write - self._ahead])
        return Cat(held).any()

    def _write_rows(self, m: Module, settings: Settings, write: Value, requests: list[Any]) -> None:
        """Write what has moved."""
        ports = [(self.weights, write)]
        if self.learning.eligibility:
            ports = [
                (self.weights, write & ~settings.eligible),
                (self.eligibilities, write & settings.eligible),
            ]
        for port, enable in ports:
            m.d.comb += [port.write.eq(enable), port.write_row.eq(requests[-1].weight_row)]
            for k, lane in enumerate(self.lanes):
                m.d.comb += port.write_data[k].eq(lane.moved)

    def _feed(self, m: Module, settings: Settings, requests: list[Any], rows: Any) -> None:
        """Give the lanes their factors, and what moves."""
        weights: Any = self.weights.read_data
        p: Any = Signal(factor_shape(self.config))
        q: Any = self.operands.read_data
        m.d.sync += p.eq(requests[0].coefficient * Cat(requests[0].operand, 0).as_signed())
        p = later(m, p, self._factors - 1).as_signed()
        if self.learning.products and not rows:
            q = q.shape()(later(m, q, self._factors - 1))
        before = weights
        if self.learning.dependence:
            before = weights.shape()(later(m, weights, self._late - self._early))
        wants = requests[self._factors + self.timing.weight]
        for k, lane in enumerate(self.lanes):
            m.submodules[f"lane{k}"] = lane
            first, second, moves, own = p, q[k], before[k], weights[k]
            if rows:
                moves = Mux(self.rule.sparse, rows.before[k], moves)
                own = Mux(self.rule.sparse, rows.weights[k], own)
            if self.learning.eligibility:
                eligibility = self.eligibilities.read_data[k]
                first = Mux(settings.sweeps, settings.factor, first)
                second = Mux(settings.sweeps, eligibility, second)
                moves = Mux(settings.eligible, eligibility, moves)
                moves = Mux(settings.decays, 0, moves)
                m.d.comb += lane.decays.eq(settings.decays)
            m.d.comb += [lane.p.eq(first), lane.q.eq(second), lane.before.eq(moves)]
            if self.learning.back:
                m.d.comb += lane.backwards.eq(requests[self._factors].back)
            if self.learning.back or self.learning.dependence:
                m.d.comb += lane.weight.eq(own)
            if self.learning.dependence:
                m.d.comb += [
                    lane.dependence.eq(wants.dependence),
                    lane.weight_low.eq(self.rule.low),
                    lane.weight_high.eq(self.rule.high),
                ]

    def _sum(
        self, m: Module, settings: Settings, learns: list[Any], requests: list[Any], rows: Any
    ) -> None:
        """Tell the lanes what to sum, and how to round; the draw ends when sums begin."""
        sizes = (len(requests[0].block), (max(1, self.config.bases) - 1).bit_length())
        m.submodules.draw = draw = Draw(self.config.lanes, *sizes)
        at = self._factors + self.timing.sums
        begun = requests[at - DRAW_STAGES]
        base: Any = self.rule.base if self.config.bases else 0
        if rows:
            base = Mux(self.rule.sparse, 0, base)
        m.d.comb += [
            draw.mixed.eq(begun.mixed),
            draw.block.eq(begun.block),
            draw.base.eq(base),
            draw.seed.eq(settings.seed),
            draw.shift.eq(settings.shift),
            draw.stochastic.eq(self.rule.rounding == Rounding.STOCHASTIC),
        ]
        for k, lane in enumerate(self.lanes):
            offset = drawn_for(k, draw.plain, draw.flipped)
            m.d.comb += [
                lane.counts.eq(learns[at]),
                lane.first.eq(requests[at].first),
                lane.offset.eq(offset ^ rows.parts[k] if rows else offset),
                lane.shift.eq(settings.shift),
                lane.low.eq(settings.low),
                lane.high.eq(settings.high),
            ]
