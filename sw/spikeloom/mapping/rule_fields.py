"""Parts of a learning rule as fields of an entry of the learning engine."""

from spikeloom_hw.learning import LearningRule, NeuronLearning, Trace

__all__ = ["neuron_fields", "term_fields", "trace_fields"]


def neuron_fields(part: NeuronLearning) -> dict[str, int]:
    """Fields of a rule by which thresholds and leaks learn."""
    entry = {"leak_shift": part.leak_shift}
    for name, shift, bounds in (
        ("threshold", part.threshold_shift, part.thresholds),
        ("decay", part.decay_shift, part.decays),
    ):
        if shift is not None:
            entry |= {f"learn_{name}": 1, f"{name}_shift": shift}
            entry |= {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
    return entry


def term_fields(rule: LearningRule, count: int) -> dict[str, int]:
    """Fields of the terms; one that the rule does not have is never alive."""
    entry: dict[str, int] = {}
    for k in range(count):
        fields = {"coefficient": 0, "modulated": 0}
        if k < len(rule.terms):
            term = rule.terms[k]
            fields = {
                "coefficient": term.coefficient,
                "pre": term.pre.value,
                "post": term.post.value,
                "on_pre": int(term.on_pre),
                "on_post": int(term.on_post),
                "dependence": term.dependence.value,
                "modulated": int(term.modulated),
            }
        entry |= {f"term{k}_{name}": value for name, value in fields.items()}
    return entry


def trace_fields(name: str, trace: Trace) -> dict[str, int]:
    """Fields of a trace."""
    return {
        f"{name}_decay": trace.decay,
        f"{name}_increment": trace.increment,
        f"{name}_kind": trace.kind.value,
        f"{name}_seen": trace.seen.value,
    }
