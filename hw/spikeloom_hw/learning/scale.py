"""Coefficients of an engine whose lanes do not multiply: they go to the factor that varies."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal

from ..config import CoreConfig
from .kinds import Pre
from .layout import built, rule_layout

__all__ = ["scaled"]


def scaled(m: Module, config: CoreConfig, rule: Any, modulator: Any) -> tuple[Any, Any]:
    """Give the rule as the post pass and as the row pass follow it.

    With products in the lanes it is the same for both. Without, a term has a coefficient on one
    side, and -1 on the other: the post pass has it if the presynaptic factor is 1. A lane then
    has a number and a mask.

    Parameters
    ----------
    m : Module
        Module to build in.
    config : CoreConfig
        Structure of a core that learns.
    rule : rule_layout(config)
        The rule.
    modulator : Value
        Of the step.
    """
    learning = built(config)
    if learning.products:
        return rule, rule
    layout = rule_layout(config)
    posts: Any = Signal(layout, name="rule_of_posts")
    rows: Any = Signal(layout, name="rule_of_rows")
    m.d.comb += [posts.eq(rule), rows.eq(rule)]
    for k in range(learning.terms):
        own, alone = rule[f"term{k}_coefficient"], rule[f"term{k}_pre"] == Pre.ONE
        modulated = rule[f"term{k}_modulated"]
        m.d.comb += [
            posts[f"term{k}_coefficient"].eq(Mux(alone, Mux(modulated, modulator, own), -1)),
            rows[f"term{k}_coefficient"].eq(Mux(alone, -1, own)),
            rows[f"term{k}_modulated"].eq(modulated & ~alone),
        ]
    return posts, rows
