"""Rules with errors: products of a presynaptic trace, a surrogate and an error."""

from dataclasses import replace
from typing import Any, Unpack

from spikeloom_hw.validate import check_choice

from .parts import RuleBack, RuleErrors, RuleNeurons, RuleTerm, RuleTrace
from .rule import Rule
from .stdp import Options

__all__ = ["e_prop", "etlp", "ostl", "ottt", "stop"]

LEARNS = ("W", "WT", "WTL")


def stop(
    learn: str = "W",
    rate: float = 0.01,
    tau: float = 20.0,
    *,
    errors: RuleErrors | None = None,
    back: RuleBack | None = None,
    **options: Unpack[Options],
) -> Rule:
    """STOP: spatio-temporal orthogonal propagation (arXiv 2411.11082), from errors of each step.

    Weights change by ``rate * delta * trace`` (equation 17), thresholds by equation 24, leaks by
    equation 27. The traces of neurons decay with their leak.

    Parameters
    ----------
    learn : str
        ``"W"``: weights; ``"WT"``: thresholds of the target too; ``"WTL"``: leaks too.
    rate : float
        Learning rate: of weights as a share of their range, of thresholds and leaks 1/8 of it.
    tau : float
        Time constant of the presynaptic trace in steps; that of the leak of the target.
    errors : RuleErrors or None
        Surrogate, and what a spike is worth; None for the standard ones.
    back : RuleBack or None
        Given for a layer whose source learns from errors too.
    **options
        See :class:`~spikeloom.learning.Options`.
    """
    check_choice("What STOP learns", learn, LEARNS)
    neurons = None
    if learn != "W":
        neurons = RuleNeurons(rate / 8, rate / 8 if learn == "WTL" else None)
    return Rule(
        (RuleTerm(rate, pre="x1", post="delta"),),
        pre_traces=(RuleTrace(tau),),
        errors=errors or RuleErrors(),
        back=back,
        neurons=neurons,
        **options,
    )


def ottt(rate: float = 0.01, tau: float = 20.0, **options: Any) -> Rule:
    """Online training through time (Xiao et al. 2022): STOP of weights, with a triangle.

    Parameters are those of :func:`stop`.
    """
    errors = options.pop("errors", None) or RuleErrors("triangle")
    return stop("W", rate, tau, errors=errors, **options)


def ostl(rate: float = 0.01, tau: float = 20.0, **options: Any) -> Rule:
    """Online spatio-temporal learning (Bohnstingl et al. 2022), in its form of factors.

    The eligibility of a synapse is the product of a presynaptic trace and a postsynaptic
    surrogate, as it is exactly for layers without recurrence. Parameters are those of
    :func:`stop`.
    """
    return stop("W", rate, tau, **options)


def e_prop(
    rate: float = 0.01,
    tau: float = 20.0,
    *,
    feedback: Any = None,
    errors: RuleErrors | None = None,
    **options: Unpack[Options],
) -> Rule:
    """Forward propagation of eligibility (Bellec et al. 2020), in its form of factors.

    Parameters
    ----------
    rate : float
        Learning rate, as a share of the range of the weight.
    tau : float
        Time constant of the presynaptic trace in steps.
    feedback : (pre, post) array or None
        Given for the output layer: fixed weights that carry its errors to its source.
    errors : RuleErrors or None
        Surrogate; None for a triangle.
    **options
        See :class:`~spikeloom.learning.Options`.
    """
    back = None if feedback is None else RuleBack(feedback=feedback)
    errors = errors or RuleErrors("triangle")
    return stop("W", rate, tau, errors=errors, back=back, **options)


def etlp(
    rate: float = 0.01,
    tau: float = 20.0,
    *,
    feedback: Any = None,
    errors: RuleErrors | None = None,
    **options: Unpack[Options],
) -> Rule:
    """Event-based three-factor local plasticity (Quintana et al. 2024): learn when a teacher says.

    Weights change only in steps with a modulator, which stands for the event of the teacher; a
    spike is then worth an error of 1. Parameters are those of :func:`e_prop`.
    """
    errors = errors or RuleErrors("box", spike_value=1.0)
    rule = e_prop(rate, tau, feedback=feedback, errors=errors, **options)
    return replace(rule, gate=True)
