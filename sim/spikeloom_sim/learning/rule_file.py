"""Learning rules as plain data and arrays, for the file of a network."""

import enum
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from spikeloom_hw.learning import (
    Backward,
    Dependence,
    Eligibility,
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Rounding,
    Sdsp,
    Seen,
    Surrogate,
    Term,
    Trace,
    TraceKind,
)

__all__ = ["describe_rule", "restore_rule"]

_PARTS: dict[str, type] = {
    "terms": Term,
    "pre_traces": Trace,
    "post_traces": Trace,
    "errors": Errors,
    "sdsp": Sdsp,
    "back": Backward,
    "neurons": NeuronLearning,
    "eligibility": Eligibility,
}
_CHOICES: dict[str, type[enum.IntEnum]] = {
    "kind": TraceKind,
    "seen": Seen,
    "pre": Pre,
    "post": Post,
    "dependence": Dependence,
    "rounding": Rounding,
    "surrogate": Surrogate,
}


def describe_rule(rule: LearningRule, key: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Describe a rule for JSON, and add its arrays to ``arrays`` under ``key``."""
    if rule.back and rule.back.feedback is not None:
        arrays[key] = rule.back.feedback
    return _plain(rule)


def restore_rule(
    described: Mapping[str, Any], key: str, arrays: Mapping[str, np.ndarray]
) -> LearningRule:
    """Make the rule that :func:`describe_rule` described."""
    values = {name: _restored(name, value) for name, value in described.items()}
    if described["back"]:
        values["back"] = Backward(described["back"]["shift"], arrays.get(key))
    return LearningRule(**values)


def _plain(part: Any) -> Any:
    """Give a part as dictionaries, lists, numbers and names; arrays are left out."""
    if isinstance(part, np.ndarray):
        return None
    if isinstance(part, enum.Enum):
        return part.name
    if isinstance(part, tuple):
        return [_plain(entry) for entry in part]
    if is_dataclass(part):
        return {field.name: _plain(getattr(part, field.name)) for field in fields(part)}
    return part if part is None or isinstance(part, bool) else int(part)


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_restored(name, entry) for entry in value)
    if name in _PARTS and value is not None:
        return _PARTS[name](**{key: _restored(key, entry) for key, entry in value.items()})
    if name in _CHOICES and isinstance(value, str):
        return _CHOICES[name][value]
    return value
