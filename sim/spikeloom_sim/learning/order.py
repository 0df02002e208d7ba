"""Which projections learn, in which order, and what they are called."""

from collections.abc import Mapping, Sequence

from ..projection import Dense, Projection, Sparse

__all__ = ["labels", "plastic_projections"]


def plastic_projections(
    projections: Sequence[Projection], phases: Mapping[str, int]
) -> dict[str, Dense | Sparse]:
    """Give the projections with a rule, by label, in the order in which they learn in a step.

    Those whose target has the later phase come first, ties in order of declaration.
    """
    plastic = [
        (label, projection)
        for label, projection in zip(labels(projections), projections, strict=True)
        if isinstance(projection, Dense | Sparse) and projection.rule is not None
    ]
    return dict(sorted(plastic, key=lambda entry: -phases[entry[1].target]))


def labels(projections: Sequence[Projection]) -> list[str]:
    """Give each projection a name of its own: ``"a -> b"``, and ``"a -> b (2)"`` for a second."""
    names: list[str] = []
    for projection in projections:
        name = f"{projection.source} -> {projection.target}"
        again = 1 + sum(n == name or n.startswith(f"{name} (") for n in names)
        names.append(name if again == 1 else f"{name} ({again})")
    return names
