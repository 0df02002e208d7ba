"""How long a chip learns at the end of a step, told before it is built."""

import math
from collections.abc import Mapping

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.learning import LearningRule, Post, Pre, Term, Trace
from spikeloom_hw.learning.layout import built, rule_words
from spikeloom_hw.program import Program
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

__all__ = ["expected_learning_cycles", "most_learning_cycles"]

_PASS = 32
"""More than the depth of the pipelines that a pass fills and empties."""

_FILL = 12
"""About what they take."""

_TRACE_WIDTH = 16
_DECAY_ONE = 4096


def most_learning_cycles(program: Program) -> int:
    """Greatest number of cycles that learning adds to a step: all neurons fire, all terms count.

    Most steps take a small part of it, as rows without a spike or a trace are skipped.

    Parameters
    ----------
    program : Program
        Compiled network.

    Returns
    -------
    int
        Cycles; 0 if nothing learns.
    """
    core = program.config.core
    learning = core.learning
    if learning is None:
        return 0
    # A weight memory with one port is read and written in turns.
    turns = 3 - core.weight_ports
    cycles = _PASS + core.groups
    for projection in program.plastic:
        pre = program.population(projection.source).size
        blocks = -(-program.population(projection.target).size // core.lanes)
        rows = -(-pre // learning.pre_lanes) + pre
        passes = [learning.slots * blocks * core.groups_per_row, rows]
        if projection.kind is Walk.SPARSE:
            # A word is read once more for what moves; a neuron has a pointer.
            rows_of_words = max(part.rows for part in projection.parts)
            passes.append(rows_of_words * (learning.terms + 1) + 2 * pre)
        else:
            passes.append(turns * pre * blocks * learning.terms)
        if learning.back:
            passes.append(rows + turns * pre * blocks)
        if learning.eligibility:
            passes.append(2 * (rows + turns * pre * blocks))
        cycles += rule_words(core) + sum(passes) + _PASS * len(passes)
    return cycles


def expected_learning_cycles(
    program: Program, network: QuantisedNetwork, activity: float | Mapping[str, float] = 0.1
) -> float:
    """Mean number of cycles that learning adds to a step, if neurons fire independently.

    What activity does not tell is taken as the most: a modulator in every step, errors and SDSP
    windows that let every neuron learn.

    Parameters
    ----------
    program : Program
        Compiled network.
    network : QuantisedNetwork
        The network that it was compiled from.
    activity : float or Mapping of str to float
        Spikes per neuron and step, of all populations or of each by name; those not named are
        silent.

    Returns
    -------
    float
        Cycles; 0 if nothing learns.
    """
    core = program.config.core
    if core.learning is None:
        return 0.0
    plastic = plastic_projections(network.projections, network.phases).values()
    cycles = float(core.groups if core.learning.errors else 0)
    for projection, placed in zip(plastic, program.plastic, strict=True):
        shares = [
            activity.get(name, 0.0) if isinstance(activity, Mapping) else activity
            for name in (projection.source, projection.target)
        ]
        if isinstance(projection, Sparse):
            words = sum(int(program.words_of(placed, part)[1].sum()) for part in placed.parts)
            cycles += _sparse(core, projection, words, shares)
        else:
            cycles += _projection(core, projection, shares[0], shares[1])
    return cycles


def _sparse(core: CoreConfig, projection: Sparse, words: int, shares: list[float]) -> float:
    """Cycles of a sparse projection, of which shares of the neurons fire in a step."""
    learning, rule, (pre, post) = built(core), projection.rule, projection.shape
    blocks = -(-post // core.lanes)
    cycles = rule_words(core) + learning.slots * blocks * core.groups_per_row + 2 * _FILL
    cycles += not learning.products

    # A word takes a cycle for each term that lives in the neuron and anywhere in the target.
    live = [_pre_share(term, rule, shares[0]) for term in rule.terms]
    anywhere = [1 - (1 - _post_share(term, rule, shares[1])) ** post for term in rule.terms]
    both = [p * q for p, q in zip(live, anywhere, strict=True)]
    walked = 1 - math.prod(1 - share for share in both)
    rows = -(-pre // learning.pre_lanes) * (1 - max(live)) ** learning.pre_lanes
    return cycles + rows + pre * (max(live) + 2 * walked) + words * (sum(both) + walked)


def _projection(core: CoreConfig, projection: Dense, before: float, after: float) -> float:
    """Cycles of a projection, of which shares of the neurons fire in a step."""
    learning, rule, (pre, post) = built(core), projection.rule, projection.shape
    assert rule is not None
    turns = 3 - core.weight_ports
    blocks = -(-post // core.lanes)
    sweep = pre * blocks * turns + _FILL
    cycles = rule_words(core) + learning.slots * blocks * core.groups_per_row + _FILL
    # The post pass multiplies where the lanes do not, and it takes a cycle more for that.
    cycles += not learning.products
    if rule.back:
        cycles += sweep
    if rule.eligibility:
        # A reward in every step, and decay in the last of each epoch.
        cycles += sweep * (1 + 1 / rule.eligibility.epoch)

    # A neuron takes a cycle for each pair of a term and a block that live, or one if there is none.
    live = [_pre_share(term, rule, before) for term in rule.terms]
    lanes = [_post_share(term, rule, after) for term in rule.terms]
    block = [1 - (1 - share) ** core.lanes for share in lanes]
    visited = max(live)
    pairs = sum(p * q for p, q in zip(live, block, strict=True)) * blocks * turns
    nothing = math.prod(
        1 - p / visited * (1 - (1 - q) ** blocks) if visited else 1.0
        for p, q in zip(live, block, strict=True)
    )
    rows = -(-pre // learning.pre_lanes) * (1 - visited) ** learning.pre_lanes
    return cycles + rows + pre * (visited * nothing + pairs) + _FILL


def _pre_share(term: Term, rule: LearningRule, activity: float) -> float:
    """Share of the presynaptic neurons for which a term is not 0."""
    if term.pre is Pre.ONE:
        return activity if term.on_pre else 1.0
    seen = _seen_share(rule.pre_traces[term.pre - Pre.X1], rule.operand_width, activity)
    return seen * activity if term.on_pre else seen


def _post_share(term: Term, rule: LearningRule, activity: float) -> float:
    """Share of the postsynaptic neurons for which a term is not 0."""
    seen = 1.0
    if Post.Y1 <= term.post <= Post.Y3:
        seen = _seen_share(rule.post_traces[term.post - Post.Y1], rule.operand_width, activity)
    return seen * activity if term.on_post else seen


def _seen_share(trace: Trace, width: int, activity: float) -> float:
    """Share of the steps in which terms see anything of a trace."""
    if trace.decay == _DECAY_ONE:
        return 1.0
    value, steps = trace.increment, 0
    while value >> (_TRACE_WIDTH - width):
        value, steps = value * trace.decay // _DECAY_ONE, steps + 1
    return 1 - (1 - activity) ** steps
