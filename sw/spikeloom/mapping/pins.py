"""Populations that the user binds to cores."""

from collections.abc import Mapping, Sequence
from typing import Any

from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from .demand import Demand

__all__ = ["Pins", "as_pins", "check_pins"]

Pins = Mapping[str, int | Sequence[int]]
"""Core of a population, or the cores that it is cut over, by its name."""


def as_pins(pins: Pins | None, quantised: QuantisedNetwork) -> dict[str, tuple[int, ...]]:
    """Check pins, and bring them into one form.

    Raises
    ------
    TypeError, ValueError
        If a pin is not one or several cores, or names no population of neurons.
    """
    found: dict[str, tuple[int, ...]] = {}
    names = [p.name for p in quantised.neurons]
    for name, given in (pins or {}).items():
        if name not in names:
            raise ValueError(
                f"Pins name {name!r}, but the populations of neurons are "
                f"{', '.join(map(repr, names))}"
            )
        found[name] = _cores(name, given)
    return found


def check_pins(
    pins: Mapping[str, tuple[int, ...]],
    demands: Mapping[str, Demand],
    together: Sequence[Sequence[str]],
) -> None:
    """Check that populations may be cut, or kept together, as they are pinned.

    Raises
    ------
    MappingError
        If not; the message says why.
    """
    for group in together:
        pinned = {name: pins[name] for name in group if name in pins}
        for name, cores in pinned.items():
            if len(cores) > 1:
                raise MappingError(
                    f"Population {name!r} cannot be cut over cores {_listed(cores)}, as its "
                    f"neurons compete, share errors or share channels; pin it to one"
                )
        if len(set(pinned.values())) > 1:
            listed = " and ".join(f"{name!r} to {cores[0]}" for name, cores in pinned.items())
            raise MappingError(
                f"Populations joined by errors lie on one core, but {listed} are pinned; "
                f"pin them to the same core"
            )
    for name, cores in pins.items():
        if len(cores) > demands[name].pieces:
            raise MappingError(
                f"Population {name!r} has {demands[name].pieces} pieces of {demands[name].grain} "
                f"rows, too few for {len(cores)} cores; pin it to fewer"
            )


def _cores(name: str, given: Any) -> tuple[int, ...]:
    cores = (given,) if isinstance(given, int) else given
    if (
        not isinstance(cores, Sequence)
        or isinstance(cores, str)
        or not all(isinstance(core, int) and not isinstance(core, bool) for core in cores)
    ):
        raise TypeError(
            f"Pin of population {name!r} must be a core or a sequence of cores, not {given!r}"
        )
    if not cores or min(cores) < 0 or len(set(cores)) < len(cores):
        raise ValueError(
            f"Pin of population {name!r} must be different cores from 0 on, not {given!r}"
        )
    return tuple(cores)


def _listed(cores: Sequence[int]) -> str:
    return ", ".join(map(str, cores))
