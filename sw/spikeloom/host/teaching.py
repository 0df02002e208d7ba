"""What a device is taught: modulator and errors of every step, as event words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikeloom_hw.event import Kind, pack, pack_values
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_sim.learning import Lesson, Teaching, as_lesson

__all__ = [
    "Lesson",
    "Taught",
    "check_teaching",
    "encode_lesson",
    "encode_teaching",
    "sample_teaching",
]

Taught = list[tuple[np.ndarray, np.ndarray]]
"""Steps and event words of what is taught."""


def sample_teaching(teaching: Teaching, sample: int) -> Teaching:
    """Give what one sample of a batch is taught: (steps, batch) arrays are cut."""
    part: dict[str, Any] = dict(teaching)
    if np.ndim(part.get("modulator", 0)) == 2:
        part["modulator"] = np.asarray(part["modulator"])[:, sample]
    errors = part.get("errors")
    if isinstance(errors, Mapping):
        part["errors"] = {
            name: np.asarray(array)[:, sample] if np.ndim(array) == 3 else array
            for name, array in errors.items()
        }
    return Teaching(**part)


def check_teaching(program: Program, teaching: Teaching, steps: int) -> Lesson | None:
    """Check what a sample is taught, and bring it into one form; None if it is nothing.

    Raises
    ------
    TypeError, ValueError
        If something is of the wrong kind, shape or range, or meant for nobody.
    """
    if not teaching:
        return None
    if not program.plastic:
        raise ValueError(
            f"The program has no projection that learns, so a run takes no {next(iter(teaching))!r}"
        )
    for name in teaching:
        if name not in ("modulator", "errors"):
            raise ValueError(f"A device takes 'modulator' and 'errors', not {name!r}")
    sizes = {p.target: program.population(p.target).size for p in program.plastic if p.taught}
    return as_lesson(teaching, steps, sizes)


def encode_teaching(program: Program, teaching: Teaching, steps: int) -> Taught:
    """Check what so many steps are taught, and give its event words: see :func:`encode_lesson`."""
    lesson = check_teaching(program, teaching, steps)
    return [] if lesson is None else encode_lesson(lesson, program, np.arange(steps))


def encode_lesson(lesson: Lesson, program: Program, steps: np.ndarray) -> Taught:
    """Event words of some steps of a lesson; what is 0 is not sent.

    Parameters
    ----------
    lesson : Lesson
        The lesson.
    program : Program
        What the device holds.
    steps : (steps,) int array
        Which of its steps.

    Returns
    -------
    list of pairs of (words,) array
        Step of each word, counted from the first of ``steps``, and the words.
    """
    modulator = lesson.modulator[steps]
    when = np.flatnonzero(modulator)
    zeros = np.zeros(len(when), np.uint32)
    sent = [_with_values(Kind.REWARD, (when, zeros, zeros), modulator[when])]
    for name, array in lesson.errors.items():
        population = program.population(name)
        step, neuron = np.nonzero(array[steps])
        source, place = _places(population, neuron, program.config.core.lanes)
        sent.append(_with_values(Kind.ERROR, (step, source, place), array[steps][step, neuron]))
    return sent


def _places(
    population: PlacedPopulation, neurons: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Core of each neuron, and its place there: row times lanes plus lane."""
    core, place = np.zeros((2, len(neurons)), np.uint32)
    indices = population.to_index(neurons)
    for piece in population.slices:
        chosen = indices // lanes >= piece.base
        core[chosen] = piece.core
        place[chosen] = indices[chosen] + (piece.row - piece.base) * lanes
    return core, place


def _with_values(
    kind: Kind, events: tuple[np.ndarray, np.ndarray, np.ndarray], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Steps and words of events of (step, source, index), each followed by its value."""
    step, source, index = events
    words = np.stack([pack(kind, source, index), pack_values(values)], axis=1)
    return np.repeat(step, 2), words.ravel()
