"""Learning on the chip: rules in the units of their user, and what quantisation makes of them."""

from .conversion import Rounded, Setting
from .integers import integer_rule
from .parts import (
    RuleBack,
    RuleEligibility,
    RuleErrors,
    RuleNeurons,
    RuleTerm,
    RuleTrace,
    RuleWindow,
)
from .report import describe
from .rule import Rule
from .stdp import (
    Options,
    diehl_cook,
    modulated_stdp,
    nearest_stdp,
    pair_stdp,
    reward_stdp,
    sdsp,
    triplet_stdp,
    weight_decay,
)
from .supervised import e_prop, etlp, ostl, ottt, stop

__all__ = [
    "Options",
    "Rounded",
    "Rule",
    "RuleBack",
    "RuleEligibility",
    "RuleErrors",
    "RuleNeurons",
    "RuleTerm",
    "RuleTrace",
    "RuleWindow",
    "Setting",
    "describe",
    "diehl_cook",
    "e_prop",
    "etlp",
    "integer_rule",
    "modulated_stdp",
    "nearest_stdp",
    "ostl",
    "ottt",
    "pair_stdp",
    "reward_stdp",
    "sdsp",
    "stop",
    "triplet_stdp",
    "weight_decay",
]
