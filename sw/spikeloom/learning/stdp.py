"""Rules without errors: spike-timing-dependent plasticity and its relatives."""

from dataclasses import replace
from typing import TypedDict, Unpack

from spikeloom_hw.validate import check_choice

from .parts import RuleEligibility, RuleTerm, RuleTrace, RuleWindow
from .rule import Rule

__all__ = [
    "Options",
    "diehl_cook",
    "modulated_stdp",
    "nearest_stdp",
    "pair_stdp",
    "reward_stdp",
    "sdsp",
    "triplet_stdp",
    "weight_decay",
]

FORMS = ("additive", "multiplicative")


class Options(TypedDict, total=False):
    """What any rule may have; see :class:`~spikeloom.learning.Rule`."""

    low: float
    high: float
    rounding: str
    seed: int
    gate: bool
    enabled: bool
    operand_width: int


def pair_stdp(
    amplitudes: tuple[float, float] = (0.01, 0.0105),
    taus: tuple[float, float] = (20.0, 20.0),
    *,
    form: str = "additive",
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Pair-based STDP, all pairs (Song, Miller and Abbott 2000; van Rossum et al. 2000).

    A postsynaptic spike raises the weight by the trace of presynaptic spikes, those of its own
    step included; a presynaptic spike lowers it by that of earlier postsynaptic ones.

    Parameters
    ----------
    amplitudes : pair of float
        Potentiation and depression at a distance of 0, as shares of the range of the weight.
    taus : pair of float
        Time constants of the presynaptic and of the postsynaptic trace, in the unit of ``dt``.
    form : str
        ``"additive"``, or ``"multiplicative"``: shares of the distances to the ends of the range.
    dt : float
        Duration of a step.
    **options
        See :class:`Options`.
    """
    check_choice("Form of STDP", form, FORMS)
    up, down = amplitudes
    above, below = ("above", "below") if form == "multiplicative" else ("one", "one")
    return Rule(
        (
            RuleTerm(-down, post="y1", on_pre=True, dependence=above),
            RuleTerm(up, pre="x1", on_post=True, dependence=below),
        ),
        pre_traces=(RuleTrace(taus[0] / dt),),
        post_traces=(RuleTrace(taus[1] / dt, seen="before"),),
        **options,
    )


def nearest_stdp(
    amplitudes: tuple[float, float] = (0.01, 0.0105),
    taus: tuple[float, float] = (20.0, 20.0),
    *,
    form: str = "additive",
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """STDP of nearest neighbours: only the last spike of the other neuron counts.

    Parameters are those of :func:`pair_stdp`.
    """
    rule = pair_stdp(amplitudes, taus, form=form, dt=dt, **options)
    return replace(
        rule,
        pre_traces=tuple(replace(t, kind="nearest") for t in rule.pre_traces),
        post_traces=tuple(replace(t, kind="nearest") for t in rule.post_traces),
    )


def triplet_stdp(
    pairs: tuple[float, float] = (0.005, 0.007),
    triplets: tuple[float, float] = (0.0062, 0.00023),
    taus: tuple[float, float, float, float] = (16.8, 33.7, 101.0, 125.0),
    *,
    largest: float = 4.0,
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Triplet STDP, all triplets (Pfister and Gerstner 2006).

    Parameters
    ----------
    pairs, triplets : pair of float
        Potentiation and depression by pairs (A2) and by triplets (A3), as shares of the range of
        the weight.
    taus : four floats
        Time constants of the pair traces, presynaptic and postsynaptic, and of the triplet traces,
        in the unit of ``dt``.
    largest : float
        Greatest value that the triplet traces have room for, at which they saturate: well above
        their time constants times the rate of the spikes.
    dt : float
        Duration of a step.
    **options
        See :class:`Options`.
    """
    plus, minus, slow_pre, slow_post = (tau / dt for tau in taus)
    return Rule(
        (
            RuleTerm(-pairs[1], post="y1", on_pre=True),
            RuleTerm(-triplets[1], pre="x2", post="y1", on_pre=True),
            RuleTerm(pairs[0], pre="x1", on_post=True),
            RuleTerm(triplets[0], pre="x1", post="y2", on_post=True),
        ),
        pre_traces=(RuleTrace(plus), RuleTrace(slow_pre, seen="before", largest=largest)),
        post_traces=(
            RuleTrace(minus, seen="before"),
            RuleTrace(slow_post, seen="before", largest=largest),
        ),
        **options,
    )


def reward_stdp(
    amplitudes: tuple[float, float] = (0.01, 0.0105),
    taus: tuple[float, float, float] = (20.0, 20.0, 1000.0),
    *,
    epoch: int = 10,
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Reward-modulated STDP (Izhikevich 2007): pairs make an eligibility, which a reward adds.

    Parameters
    ----------
    amplitudes : pair of float
        See :func:`pair_stdp`; of the eligibility.
    taus : three floats
        Time constants of both traces and of the eligibility, in the unit of ``dt``.
    epoch : int
        Steps from one decay of the eligibility to the next.
    dt : float
        Duration of a step.
    **options
        See :class:`Options`.
    """
    rule = pair_stdp(amplitudes, (taus[0], taus[1]), dt=dt, **options)
    return replace(rule, eligibility=RuleEligibility(taus[2] / dt, epoch))


def modulated_stdp(
    amplitudes: tuple[float, float] = (0.01, 0.0105),
    taus: tuple[float, float] = (20.0, 20.0),
    *,
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Pair STDP that changes weights only in steps with a modulator; its traces always go on.

    Parameters are those of :func:`pair_stdp`.
    """
    return replace(pair_stdp(amplitudes, taus, dt=dt, **options), gate=True)


def sdsp(
    step: float,
    window: RuleWindow,
    tau: float = 60.0,
    *,
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Plasticity driven by presynaptic spikes (Brader, Senn and Fusi 2007).

    Parameters
    ----------
    step : float
        Change with a spike, as a share of the range of the weight.
    window : RuleWindow
        Potential, and calcium, at which a weight is raised or lowered.
    tau : float
        Time constant of the calcium, the trace of postsynaptic spikes, in the unit of ``dt``.
    dt : float
        Duration of a step.
    **options
        See :class:`Options`.
    """
    return Rule(
        (RuleTerm(step, post="sdsp", on_pre=True),),
        post_traces=(RuleTrace(tau / dt, largest=16.0),),
        window=window,
        **options,
    )


def diehl_cook(
    rate: float = 0.01,
    target: float = 0.4,
    tau: float = 20.0,
    *,
    dt: float = 1.0,
    **options: Unpack[Options],
) -> Rule:
    """Rule of unsupervised learning by postsynaptic spikes alone (Diehl and Cook 2015).

    With each postsynaptic spike ``w = w + rate * (x - target) * (high - w)``.

    Parameters
    ----------
    rate : float
        Learning rate.
    target : float
        Presynaptic trace at which a spike leaves the weight as it is.
    tau : float
        Time constant of the trace, in the unit of ``dt``.
    dt : float
        Duration of a step.
    **options
        See :class:`Options`.
    """
    return Rule(
        (
            RuleTerm(rate, pre="x1", on_post=True, dependence="below"),
            RuleTerm(-rate * target, on_post=True, dependence="below"),
        ),
        pre_traces=(RuleTrace(tau / dt),),
        **options,
    )


def weight_decay(rate: float, **options: Unpack[Options]) -> Rule:
    """Decay of all weights toward the least one, in every step: ``w = w - rate * (w - low)``.

    Parameters
    ----------
    rate : float
        Share of the distance that goes in a step.
    **options
        See :class:`Options`.
    """
    return Rule((RuleTerm(-rate, dependence="above"),), **options)
