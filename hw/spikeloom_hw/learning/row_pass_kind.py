"""What a row pass does with the rows: it learns, or lets eligibilities decay or be rewarded."""

import enum
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value

from ..config import CoreConfig
from ..number import DECAY_FRACTION
from .layout import built

__all__ = ["PassKind", "Settings"]


class PassKind(enum.IntEnum):
    """``LEARN`` from the terms; let eligibilities ``DECAY``; ``REWARD`` them: move the weights."""

    LEARN = 0
    DECAY = 1
    REWARD = 2


@dataclass(frozen=True)
class Settings:
    """What holds still in a row pass; from registers.

    Parameters
    ----------
    sweeps, decays : Value
        Whether eligibilities take the place of operands, and whether they decay.
    eligible : Value
        Whether it is eligibilities that are written.
    factor : Value
        What eligibilities are multiplied with.
    seed, shift, low, high : Value
        Of the rounding, and of what is written.
    """

    sweeps: Value
    decays: Value
    eligible: Value
    factor: Value
    seed: Value
    shift: Value
    low: Value
    high: Value

    @classmethod
    def of(cls, m: Module, config: CoreConfig, row_pass: Any) -> "Settings":
        """Add the registers; ``row_pass`` has the members ``kind``, ``rule`` and ``modulator``."""
        rule = row_pass.rule
        if not built(config).eligibility:
            no = Value.cast(0)
            return cls(no, no, no, no, rule.seed, rule.shift, rule.low, rule.high)
        learns, decays = row_pass.kind == PassKind.LEARN, row_pass.kind == PassKind.DECAY
        rewards = row_pass.kind == PassKind.REWARD
        eligible = (learns & rule.eligible) | decays
        weight = config.weight
        given = {
            "sweeps": ~learns,
            "decays": decays,
            "eligible": eligible,
            "factor": Mux(decays, rule.eligibility_decay, row_pass.modulator),
            "seed": (rule.seed + rewards)[: len(rule.seed)],
            "shift": Mux(decays, DECAY_FRACTION, Mux(rewards, rule.reward_shift, rule.shift)),
            "low": Mux(eligible, weight.low, rule.low),
            "high": Mux(eligible, weight.high, rule.high),
        }
        kept = {name: Signal.like(Value.cast(value), name=name) for name, value in given.items()}
        m.d.sync += [kept[name].eq(value) for name, value in given.items()]
        return cls(**kept)
