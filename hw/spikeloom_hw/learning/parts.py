"""The parts of a learning rule, in integers; docs/design/0008 has their arithmetic."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..number import DECAY_ONE
from ..validate import check_integers
from .kinds import Dependence, Post, Pre, Seen, Surrogate, TraceKind

__all__ = [
    "COEFFICIENT",
    "LARGEST_TRACE",
    "Backward",
    "Eligibility",
    "Errors",
    "NeuronLearning",
    "Sdsp",
    "Term",
    "Trace",
]

LARGEST_TRACE = (1 << 16) - 1
"""Greatest value of a trace."""

COEFFICIENT = (-128, 127)
"""Least and greatest coefficient of a term, and modulator."""

_OPERAND = (1 << 16) - 1
_POTENTIAL = (-(1 << 31), (1 << 31) - 1)


def _check(part: Any, kinds: dict[str, type], bounds: dict[str, tuple[int, int]]) -> None:
    """Check the kinds and ranges of the fields of a part."""
    owner = type(part).__name__
    for name, kind in kinds.items():
        value = getattr(part, name)
        if not isinstance(value, kind):
            raise TypeError(f"{_label(owner, name)} must be a {kind.__name__}, not {value!r}")
    for name, (low, high) in bounds.items():
        value = getattr(part, name)
        if isinstance(value, bool) or np.ndim(value):
            raise TypeError(f"{_label(owner, name)} must be one integer, not {value!r}")
        check_integers(_label(owner, name), value, low, high)


def _label(owner: str, name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()} of {owner}"


@dataclass(frozen=True)
class Trace:
    """A trace of the spikes of a neuron.

    Parameters
    ----------
    decay : int
        Share that is left after a step, from 0 to 4096.
    increment : int
        What a spike adds, or sets the trace to; from 0 to 65535.
    kind : TraceKind
        Whether a spike adds or sets.
    seen : Seen
        Whether terms see the trace before or after a spike of the same step.
    """

    decay: int
    increment: int
    kind: TraceKind = TraceKind.ALL
    seen: Seen = Seen.AFTER

    def __post_init__(self) -> None:
        bounds = {"decay": (0, DECAY_ONE), "increment": (0, LARGEST_TRACE)}
        _check(self, {"kind": TraceKind, "seen": Seen}, bounds)


@dataclass(frozen=True)
class Term:
    """A product of a presynaptic, a postsynaptic and a weight-dependent factor.

    Parameters
    ----------
    coefficient : int
        From -128 to 127; of no effect if ``modulated``.
    pre : Pre
        Presynaptic factor.
    post : Post
        Postsynaptic factor.
    on_pre, on_post : bool
        Whether the term counts only if the neuron fired in the step.
    dependence : Dependence
        Factor of the weight.
    modulated : bool
        Whether the modulator takes the place of the coefficient.
    """

    coefficient: int
    pre: Pre = Pre.ONE
    post: Post = Post.ONE
    on_pre: bool = False
    on_post: bool = False
    dependence: Dependence = Dependence.ONE
    modulated: bool = False

    def __post_init__(self) -> None:
        flags = dict.fromkeys(("on_pre", "on_post", "modulated"), bool)
        kinds: dict[str, type] = {"pre": Pre, "post": Post, "dependence": Dependence, **flags}
        _check(self, kinds, {"coefficient": COEFFICIENT})


@dataclass(frozen=True)
class Errors:
    """How the errors of the target become ``delta``.

    Parameters
    ----------
    surrogate : Surrogate
        Derivative of the spike.
    width : int
        Bits to shift the distance to the threshold right, from 0 to 24: at a distance of
        ``2**(width + 8)`` a box ends, a triangle is 0, an exponential is a half.
    spike_value : int
        What a spike takes from the error in a step with a modulator, from 0 to 32767: the value
        that a teacher gives for a spike.
    """

    surrogate: Surrogate = Surrogate.TRIANGLE
    width: int = 0
    spike_value: int = 0

    def __post_init__(self) -> None:
        bounds = {"width": (0, 24), "spike_value": (0, (1 << 15) - 1)}
        _check(self, {"surrogate": Surrogate}, bounds)


@dataclass(frozen=True)
class Sdsp:
    """When a presynaptic spike raises or lowers a weight.

    Parameters
    ----------
    potential : int
        Potential from which a spike raises.
    up_low, up_high, down_low, down_high : int
        Operand of ``y1`` from which, and below which, it may; from 0 to 65535.
    """

    potential: int
    up_low: int
    up_high: int
    down_low: int
    down_high: int

    def __post_init__(self) -> None:
        names = ("up_low", "up_high", "down_low", "down_high")
        _check(self, {}, {"potential": _POTENTIAL, **dict.fromkeys(names, (0, _OPERAND))})


@dataclass(frozen=True, eq=False)
class Backward:
    """Errors for the source.

    Parameters
    ----------
    shift : int
        Bits to shift the sum right, from 0 to 24.
    feedback : (pre, post) int array or None
        Weights that carry the errors; None means those of the projection.
    """

    shift: int
    feedback: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check(self, {}, {"shift": (0, 24)})
        if self.feedback is None:
            return
        kept = np.array(self.feedback)
        if kept.dtype.kind not in "iu" or kept.ndim != 2:
            raise TypeError("Feedback of Backward must be a (pre, post) integer array")
        kept.setflags(write=False)
        object.__setattr__(self, "feedback", kept)


@dataclass(frozen=True)
class NeuronLearning:
    """How thresholds and leaks of the target are learned.

    Parameters
    ----------
    threshold_shift, decay_shift : int or None
        Bits to shift the change right, from 0 to 31; None means that it is not learned.
    thresholds, decays : tuple of int
        Least and greatest threshold and decay.
    leak_shift : int
        Bits to shift the potential right before it enters the leak trace, from 0 to 24.
    """

    threshold_shift: int | None = None
    decay_shift: int | None = None
    thresholds: tuple[int, int] = (1, (1 << 17) - 1)
    decays: tuple[int, int] = (0, DECAY_ONE)
    leak_shift: int = 0

    def __post_init__(self) -> None:
        names = [n for n in ("threshold_shift", "decay_shift") if getattr(self, n) is not None]
        _check(self, {}, {"leak_shift": (0, 24), **dict.fromkeys(names, (0, 31))})
        if not names:
            raise ValueError("NeuronLearning must learn thresholds or leaks: give it a shift")
        for name, (low, high) in {"thresholds": _POTENTIAL, "decays": (0, DECAY_ONE)}.items():
            least, greatest = getattr(self, name)
            check_integers(_label("NeuronLearning", name), least, low, high)
            check_integers(_label("NeuronLearning", name), greatest, least, high)


@dataclass(frozen=True)
class Eligibility:
    """Changes that wait for a reward.

    Parameters
    ----------
    reward_shift : int
        Bits to shift the product of modulator and eligibility right, from 0 to 24.
    decay : int
        Share that is left after an epoch, from 0 to 4096.
    epoch : int
        Steps from decay to decay, from 1 to 65535.
    """

    reward_shift: int
    decay: int = DECAY_ONE
    epoch: int = 1

    def __post_init__(self) -> None:
        bounds = {"reward_shift": (0, 24), "decay": (0, DECAY_ONE), "epoch": (1, _OPERAND)}
        _check(self, {}, bounds)
