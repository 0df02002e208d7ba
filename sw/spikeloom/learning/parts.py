"""The parts of a learning rule in the units of its user."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.learning import Dependence, Post, Pre, Seen, Surrogate, TraceKind
from spikeloom_hw.validate import check_choice

__all__ = [
    "DEPENDENCES",
    "KINDS",
    "POSTS",
    "PRES",
    "SEENS",
    "SURROGATES",
    "RuleBack",
    "RuleEligibility",
    "RuleErrors",
    "RuleNeurons",
    "RuleTerm",
    "RuleTrace",
    "RuleWindow",
]

PRES = {"one": Pre.ONE, "x1": Pre.X1, "x2": Pre.X2}
POSTS = {
    "one": Post.ONE,
    "y1": Post.Y1,
    "y2": Post.Y2,
    "y3": Post.Y3,
    "delta": Post.DELTA,
    "sdsp": Post.SDSP,
}
DEPENDENCES = {"one": Dependence.ONE, "above": Dependence.ABOVE, "below": Dependence.BELOW}
KINDS = {"all": TraceKind.ALL, "nearest": TraceKind.NEAREST}
SEENS = {"before": Seen.BEFORE, "after": Seen.AFTER}
SURROGATES = {
    "none": Surrogate.NONE,
    "box": Surrogate.BOX,
    "triangle": Surrogate.TRIANGLE,
    "exponential": Surrogate.EXPONENTIAL,
}


@dataclass(frozen=True)
class RuleTrace:
    """A trace of spikes, to which a spike adds 1.

    Parameters
    ----------
    tau : float
        Time constant in steps: a step keeps ``exp(-1 / tau)``; infinity for no decay.
    kind : str
        ``"all"``: spikes add up; ``"nearest"``: a spike sets the trace to 1.
    seen : str
        Whether terms see it ``"before"`` or ``"after"`` a spike of the same step.
    largest : float
        Greatest value that it has room for, at which it saturates; 1 for ``"nearest"``.
    """

    tau: float
    kind: str = "all"
    seen: str = "after"
    largest: float = 4.0

    def __post_init__(self) -> None:
        check_choice("Kind of a trace", self.kind, tuple(KINDS))
        check_choice("Seen of a trace", self.seen, tuple(SEENS))
        check_positive("Time constant of a trace", self.tau, endless=True)
        check_positive("Largest value of a trace", self.largest)
        if self.largest < 1:
            raise ValueError(f"Largest value of a trace must be at least 1, not {self.largest}")

    @property
    def room(self) -> float:
        """Greatest value."""
        return 1.0 if self.kind == "nearest" else self.largest


@dataclass(frozen=True)
class RuleTerm:
    """A product that changes a weight by ``amplitude`` times its factors.

    Parameters
    ----------
    amplitude : float
        Share of the range of the weight by which it changes if all factors are 1; of the distance
        to an end of the range, if ``dependence`` says so.
    pre : str
        Presynaptic factor: ``"one"``, ``"x1"`` or ``"x2"``.
    post : str
        Postsynaptic factor: ``"one"``, ``"y1"`` to ``"y3"``, ``"delta"`` or ``"sdsp"``.
    on_pre, on_post : bool
        Whether the term counts only if the neuron fired in the step.
    dependence : str
        ``"one"``, ``"above"`` (times the distance to the least weight), or ``"below"`` (to the
        greatest).
    modulated : bool
        Whether the modulator is a factor too; one of 128 counts as 1. The amplitude then becomes
        a power of two, positive, and the same as that of other terms of the rule.
    """

    amplitude: float
    pre: str = "one"
    post: str = "one"
    on_pre: bool = False
    on_post: bool = False
    dependence: str = "one"
    modulated: bool = False

    def __post_init__(self) -> None:
        check_choice("Presynaptic factor", self.pre, tuple(PRES))
        check_choice("Postsynaptic factor", self.post, tuple(POSTS))
        check_choice("Dependence on the weight", self.dependence, tuple(DEPENDENCES))
        if not np.isfinite(self.amplitude) or not self.amplitude:
            raise ValueError(
                f"Amplitude of a term must be a number other than 0, not {self.amplitude!r}"
            )
        if self.modulated and self.amplitude < 0:
            raise ValueError("Amplitude of a modulated term must be positive: it has no sign")


@dataclass(frozen=True)
class RuleErrors:
    """How the errors of the target become delta.

    Parameters
    ----------
    surrogate : str
        ``"none"``, ``"box"``, ``"triangle"`` or ``"exponential"``, of the distance from the
        threshold.
    width : float
        Distance, in the units of the threshold, at which a box or a triangle ends, and an
        exponential is a half; it becomes a power of two in integers.
    spike_value : float
        Error that a spike stands for, and is taken away, in steps with a modulator.
    one : int
        Integer that stands for an error of 1, up to 32767; that of all rules that errors pass
        through should be the same.
    """

    surrogate: str = "exponential"
    width: float = 0.5
    spike_value: float = 0.0
    one: int = 1024

    def __post_init__(self) -> None:
        check_choice("Surrogate", self.surrogate, tuple(SURROGATES))
        check_positive("Width of a surrogate", self.width)
        if not 1 <= self.one <= 32767:
            raise ValueError(f"One of errors must lie between 1 and 32767, not {self.one}")
        if not 0 <= self.spike_value * self.one <= 32767:
            raise ValueError(
                f"Value of a spike must lie between 0 and {32767 / self.one:g}, "
                f"not {self.spike_value}"
            )


@dataclass(frozen=True)
class RuleWindow:
    """When SDSP raises or lowers a weight.

    Parameters
    ----------
    potential : float
        Potential from which a presynaptic spike raises, and below which it lowers.
    up, down : tuple of float
        Values of the trace ``y1`` from which and below which it may.
    """

    potential: float
    up: tuple[float, float]
    down: tuple[float, float]


@dataclass(frozen=True, eq=False)
class RuleBack:
    """Errors for the source.

    Parameters
    ----------
    gain : float
        Factor of what goes back, which becomes a power of two in integers.
    feedback : (pre, post) array or None
        Weights that carry the errors; None means those of the projection.
    """

    gain: float = 1.0
    feedback: Any = None

    def __post_init__(self) -> None:
        check_positive("Gain of errors back", self.gain)


@dataclass(frozen=True)
class RuleNeurons:
    """How thresholds and leaks of the target learn.

    Parameters
    ----------
    threshold_rate, decay_rate : float or None
        Learning rates, which become powers of two in integers; None for what does not learn.
    thresholds, decays : tuple of float
        Least and greatest threshold and decay.
    """

    threshold_rate: float | None = None
    decay_rate: float | None = None
    thresholds: tuple[float, float] = (0.0, np.inf)
    decays: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("threshold_rate", "decay_rate"):
            value = getattr(self, name)
            if value is not None:
                check_positive(name.replace("_", " ").capitalize(), value)
        if self.threshold_rate is None and self.decay_rate is None:
            raise ValueError("RuleNeurons must learn thresholds or leaks: give it a rate")


@dataclass(frozen=True)
class RuleEligibility:
    """Changes that wait for a reward: a modulator of 128 adds the eligibility to the weight.

    Parameters
    ----------
    tau : float
        Time constant in steps; infinity for no decay.
    epoch : int
        Steps from decay to decay.
    largest : float
        Greatest eligibility that there is room for, as a share of the range of the weight.
    """

    tau: float
    epoch: int = 10
    largest: float = 0.25

    def __post_init__(self) -> None:
        check_positive("Time constant of the eligibility", self.tau, endless=True)
        check_positive("Largest eligibility", self.largest)


def check_positive(label: str, value: Any, *, endless: bool = False) -> None:
    """Raise unless ``value`` is a positive number; it may be infinite if ``endless``."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{label} must be a number, not {value!r}")
    if not value > 0 or (not endless and not np.isfinite(value)):
        raise ValueError(f"{label} must be positive, not {value!r}")
