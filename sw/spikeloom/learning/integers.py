"""Learning rules in the integers that the hardware computes with."""

from math import exp, inf, log, log2, prod
from typing import Any

import numpy as np

from spikeloom_hw.learning import (
    Backward,
    Eligibility,
    Errors,
    LearningRule,
    NeuronLearning,
    Sdsp,
    Term,
    Trace,
)
from spikeloom_hw.learning.parts import COEFFICIENT, LARGEST_TRACE
from spikeloom_hw.number import DECAY_ONE

from .coefficients import MODULATOR_ONE, Fit, fit, operand
from .conversion import LARGEST_SHIFT, Conversion, Rounded, Setting
from .parts import DEPENDENCES, KINDS, POSTS, PRES, SEENS, SURROGATES, RuleTerm
from .rule import ROUNDINGS, Rule

__all__ = ["integer_rule"]

_LARGEST_NEURON_SHIFT = 31


def integer_rule(rule: Rule, setting: Setting) -> tuple[LearningRule, tuple[Rounded, ...]]:
    """Bring a rule into integers.

    The shift and the coefficients of the terms are those whose greatest relative error is least.

    Parameters
    ----------
    rule : Rule
        In the units of its user.
    setting : Setting
        Where it is to work.

    Returns
    -------
    tuple of LearningRule and tuple of Rounded
        The rule in integers, and every number that was rounded.

    Raises
    ------
    QuantisationError
        If the integers cannot hold it.
    """
    made = Conversion(rule, setting)
    if made.span < 1:
        raise made.refuse(f"its range is less than one step of the weights, {setting.scale:g}")
    made.note("least weight", rule.low, made.low * setting.scale)
    made.note("greatest weight", rule.high, made.high * setting.scale)
    parts: dict[str, Any] = {
        "low": made.low,
        "high": made.high,
        "rounding": ROUNDINGS[rule.rounding],
        "seed": rule.seed,
        "gate": rule.gate,
        "errors": _errors(made),
        "sdsp": _window(made),
        "back": _back(made),
        "neurons": _neurons(made),
        "eligibility": _eligibility(made),
        "enabled": rule.enabled,
        "operand_width": rule.operand_width,
    }
    integers = _fitted(made, parts)
    return integers, tuple(made.rounded)


def _traces(made: Conversion, increments: dict[str, int]) -> dict[str, tuple[Trace, ...]]:
    """Traces of both sides in integers, with these increments."""
    found: dict[str, list[Trace]] = {"x": [], "y": []}
    for name, trace in made.traces.items():
        decay = round(DECAY_ONE * exp(-1 / trace.tau))
        if decay == DECAY_ONE and trace.tau < inf:
            raise made.refuse(
                f"a time constant of {trace.tau:g} steps is too long for a decay in steps of "
                f"1/{DECAY_ONE}: use at most {2 * DECAY_ONE - 1}, or infinity"
            )
        kind, seen = KINDS[trace.kind], SEENS[trace.seen]
        found[name[0]].append(Trace(decay, increments[name], kind, seen))
    return {"pre_traces": tuple(found["x"]), "post_traces": tuple(found["y"])}


def _errors(made: Conversion) -> Errors | None:
    errors = made.rule.errors
    if errors is None:
        return None
    if not made.setting.threshold and errors.surrogate != "none":
        raise made.refuse(
            "its target never fires, so nothing is near its threshold: use RuleErrors('none')"
        )
    width = round(log2(errors.width / made.setting.quantum)) - 8
    width = min(max(width, 0), LARGEST_SHIFT)
    made.note("width of the surrogate", errors.width, 2.0 ** (width + 8) * made.setting.quantum)
    return Errors(SURROGATES[errors.surrogate], width, round(errors.spike_value * errors.one))


def _window(made: Conversion) -> Sdsp | None:
    window, width = made.rule.window, made.rule.operand_width
    if window is None:
        return None
    if "y1" not in made.traces:
        raise made.refuse("SDSP looks at the trace y1, so it needs 1 of post_traces")
    # Terms with SDSP have no other trace, so that of y1 keeps its increment.
    one, most = operand(int(LARGEST_TRACE / made.traces["y1"].room), width), 1 << width
    bounds = [min(round(value * one), most) for value in (*window.up, *window.down)]
    potential = round(window.potential / made.setting.quantum)
    made.note("potential of SDSP", window.potential, potential * made.setting.quantum)
    return Sdsp(potential, *bounds)


def _back(made: Conversion) -> Backward | None:
    back, scale = made.rule.back, made.setting.scale
    if back is None:
        return None
    shift = made.power("the gain of errors back", back.gain * scale)
    made.note("gain of errors back", back.gain, 2.0**-shift / scale)
    if back.feedback is None:
        return Backward(shift)
    feedback = np.rint(np.asarray(back.feedback, np.float64) / scale).astype(np.int64)
    return Backward(shift, feedback)


def _neurons(made: Conversion) -> NeuronLearning | None:
    part, errors, setting = made.rule.neurons, made.rule.errors, made.setting
    if part is None:
        return None
    if errors is None:
        raise made.refuse("thresholds and leaks learn from errors, so it needs 'errors'")
    highest = (1 << (setting.potential_width - 1)) - 1
    # A potential near the threshold may add up to some 16 times itself in the trace of the leak.
    leak_shift = max(0, (16 * max(setting.threshold, 1)).bit_length() - 15)
    leak_shift = min(leak_shift, LARGEST_SHIFT)
    shifts: dict[str, int] = {}
    for name, rate, one in (
        ("threshold", part.threshold_rate, 1 / (errors.one * 256 * setting.quantum)),
        ("decay", part.decay_rate, DECAY_ONE * setting.quantum * 2.0**leak_shift / errors.one),
    ):
        if rate is not None:
            shift = made.power(f"the {name} rate", rate * one, _LARGEST_NEURON_SHIFT)
            made.note(f"{name} rate", rate, 2.0**-shift / one)
            shifts[f"{name}_shift"] = shift
    low, high = part.thresholds
    thresholds = (
        round(low / setting.quantum),
        highest if high == inf else min(round(high / setting.quantum), highest),
    )
    decays = (round(part.decays[0] * DECAY_ONE), round(part.decays[1] * DECAY_ONE))
    return NeuronLearning(thresholds=thresholds, decays=decays, leak_shift=leak_shift, **shifts)


def _eligibility(made: Conversion) -> Eligibility | None:
    part = made.rule.eligibility
    if part is None:
        return None
    decay = round(DECAY_ONE * exp(-part.epoch / part.tau))
    made.note("share of the eligibility after an epoch", exp(-part.epoch / part.tau), decay / 4096)
    return Eligibility(MODULATOR_ONE.bit_length() - 1 + made.finer, decay, part.epoch)


def _ideal(made: Conversion, term: RuleTerm) -> float:
    """Coefficient over ``2**shift``, times the operands of single spikes, for an amplitude."""
    one = 1.0
    if term.post == "delta":
        if made.rule.errors is None:
            raise made.refuse("a term has the factor 'delta', so it needs 'errors'")
        one = made.rule.errors.one
    share = term.amplitude * 2.0**made.finer / one
    return share * made.span if term.dependence == "one" else share


def _fitted(made: Conversion, parts: dict[str, Any]) -> LearningRule:
    """Find the shift with which the terms come nearest to what they should be."""
    rule, terms = made.rule, made.rule.terms
    ideals = [_ideal(made, term) for term in terms]
    most = {name: int(LARGEST_TRACE / trace.room) for name, trace in made.traces.items()}
    for term in terms:
        for name in {term.pre, term.post} - most.keys():
            if name[0] in "xy":
                raise made.refuse(f"a term has the factor {name!r}, but there is no such trace")
    best: tuple[Fit, LearningRule] | None = None
    refused: ValueError | None = None
    for shift in range(LARGEST_SHIFT + 1):
        found = fit(terms, ideals, most, rule.operand_width, shift)
        if found is None or (best and found.cost >= best[0].cost):
            continue
        traces = _traces(made, found.increments)
        try:
            integers = LearningRule(_as_terms(terms, found.coefficients), shift, **traces, **parts)
        except ValueError as reason:
            refused = reason
        else:
            best = found, integers
    if best is None:
        raise made.refuse(str(refused) if refused else _reason(made, ideals, most))
    _note(made, *best)
    return best[1]


def _note(made: Conversion, found: Fit, integers: LearningRule) -> None:
    """Note what was rounded of traces and amplitudes."""
    traces = [*integers.pre_traces, *integers.post_traces]
    for (name, wanted), got in zip(made.traces.items(), traces, strict=True):
        if wanted.tau < inf:
            tau = -1 / log(got.decay / DECAY_ONE) if got.decay else 0.0
            made.note(f"time constant of {name}", wanted.tau, tau)
        made.note(f"largest {name}", wanted.room, LARGEST_TRACE / got.increment)
    for number, (term, share) in enumerate(zip(made.rule.terms, found.shares, strict=True)):
        made.note(f"amplitude of term {number}", term.amplitude, term.amplitude * share)


def _as_terms(terms: tuple[RuleTerm, ...], coefficients: tuple[int, ...]) -> tuple[Term, ...]:
    return tuple(
        Term(
            coefficient,
            PRES[term.pre],
            POSTS[term.post],
            term.on_pre,
            term.on_post,
            DEPENDENCES[term.dependence],
            term.modulated,
        )
        for term, coefficient in zip(terms, coefficients, strict=True)
    )


def _reason(made: Conversion, ideals: list[float], most: dict[str, int]) -> str:
    """Say why no shift serves."""
    width = made.rule.operand_width
    sizes = []
    for term, ideal in zip(made.rule.terms, ideals, strict=True):
        ones = [operand(most[name], width) for name in (term.pre, term.post) if name in most]
        sizes.append(abs(ideal) / prod(ones))
    if max(sizes) > COEFFICIENT[1]:
        return f"an amplitude is {max(sizes) / COEFFICIENT[1]:.3g} times too large"
    if max(sizes) * 2.0**LARGEST_SHIFT < 0.5:
        factor = 0.5 / (max(sizes) * 2.0**LARGEST_SHIFT)
        return f"an amplitude is {factor:.3g} times too small: use wider weights"
    return (
        f"coefficients of its terms would differ by a factor of {max(sizes) / min(sizes):.3g}, "
        f"more than 8 bits can"
    )
