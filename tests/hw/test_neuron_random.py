from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import (
    Leak,
    NeuronParameters,
    NeuronState,
    Output,
    Reset,
    Synapse,
)
from spikeloom_sim.random_neuron import draw, draw_parameters, draw_state

NEURONS = 24

# The table of docs/design/0006, one neuron at a time, in integers that do not overflow.


def round_to_zero(product: int) -> int:
    return product >> 12 if product >= 0 else -(-product >> 12)


def rotated(word: int, shift: int) -> int:
    return (word << shift | word >> (32 - shift)) % 2**32


def drawn_noise(seed: int, time: int, index: int, bits: int) -> int:
    word = ((time + 1) * 0x9E3779B9 % 2**32) ^ index
    for turn in range(4):
        word = word * 9 % 2**32
        word ^= rotated(word, 7) ^ rotated(word, 17)
        if turn == 0:
            word ^= seed * 0x10001
    top = word >> 16
    if bits == 0:
        return 0
    return top % 2 ** (bits - 1) - (2 ** (bits - 1) if top >= 2**15 else 0)


def leaked(p: dict[str, Any], v: int) -> int:
    sign = -1 if v < 0 else 1
    if p["leak"] is Leak.MULTIPLY:
        return round_to_zero(v * p["decay"])
    if p["leak"] is Leak.SHIFT:
        return v - sign * -(-abs(v) // 2 ** p["decay"])
    return sign * max(abs(v) - p["decay"], 0)


def one(p: dict[str, Any], state: dict[str, int], x: int, noise: int) -> dict[str, int]:
    """Advance a neuron; give its state after the step, ``fires``, ``above`` and ``count``."""
    high = 2 ** (p["width"] - 1) - 1

    def sat(n: int) -> int:
        return max(-high - 1, min(n, high))

    drive, current = x * 2 ** p["shift"], state["current"]
    if p["synapse"] is not Synapse.NONE:
        new = sat(round_to_zero(current * p["current_decay"]) + drive)
        drive = current if p["synapse"] is Synapse.OLD else new
        current = new
    owed = p["threshold"] if p["reset"] is Reset.SUBTRACT_DELAYED and state["fired"] else 0
    taken = p["inhibition"] if state["inhibited"] else 0
    s = sat(leaked(p, state["potential"]) + drive + p["bias"] - owed - taken + noise)

    rests = state["refractory"] > 0
    if rests:
        s = p["reset_value"]
    above = s - (p["threshold"] + state["adaptation"])
    silent = p["output"] in (Output.VALUE, Output.SILENT)
    fires = not rests and not silent and (above > 0 or (above == 0 and p["inclusive"]))
    after, count = max(s, p["minimum"]), 0
    if p["output"] is Output.COUNT and fires:
        after = s
        while count < 31 and after >= p["threshold"] + (not p["inclusive"]):
            after, count = after - p["threshold"], count + 1
    elif fires:
        resets = {Reset.TO_VALUE: p["reset_value"], Reset.SUBTRACT: sat(above)}
        after = resets.get(p["reset"], s)
    grown = round_to_zero(state["adaptation"] * p["adaptation_decay"])
    return {
        "potential": after,
        "refractory": p["refractory"] if fires else max(state["refractory"] - 1, 0),
        "fired": fires,
        "current": current,
        "adaptation": min(grown + (p["adaptation_step"] if fires else 0), high),
        "fires": fires,
        "above": above,
        "count": count,
    }


def population(
    parameters: NeuronParameters, state: NeuronState, current: np.ndarray, time: int
) -> tuple[dict[str, list[Any]], list[Any]]:
    """Advance one population: members of the state and of :func:`one`, and what is sent."""
    results = []
    for j, x in enumerate(current.tolist()):
        p = {
            name: value[j].item() if isinstance(value, np.ndarray) else value
            for name, value in vars(parameters).items()
        }
        before = {name: values[j].item() for name, values in state._asdict().items()}
        noise = drawn_noise(p["seed"], time, j, p["noise"])
        results.append(one(p, before, int(x), noise))
    found: dict[str, list[Any]] = {
        name: [result[name] for result in results] for name in results[0]
    }
    winner = max(
        (j for j in range(len(results)) if found["fires"][j]),
        key=lambda j: (found["above"][j], -j),
        default=None,
    )
    others = [parameters.winner and winner not in (None, j) for j in range(len(results))]
    sent = {
        Output.SPIKE: [f and not o for f, o in zip(found["fires"], others, strict=True)],
        Output.COUNT: found["count"],
        Output.VALUE: found["potential"],
        Output.SILENT: [False] * len(results),
    }
    return found | {"inhibited": others}, sent[parameters.output]


@pytest.mark.parametrize("width", [6, 8, 12, 18, 24, 32])
@pytest.mark.parametrize("seed", range(4))
def test_many_steps_are_those_of_the_table(width: int, seed: int) -> None:
    rng = np.random.default_rng([width, seed])
    for _ in range(15):
        parameters = draw_parameters(rng, width, NEURONS)
        start, time, steps = draw_state(rng, parameters, NEURONS), int(rng.integers(1 << 33)), 5
        currents = draw(rng, -(1 << 17), (1 << 17) - 1, steps * NEURONS).reshape(steps, NEURONS)

        for dtype in (np.int64, np.float64):
            begin = start._replace(
                potential=start.potential.astype(dtype),
                current=start.current.astype(dtype),
                adaptation=start.adaptation.astype(dtype),
            )
            sent = np.full((steps, NEURONS), 1, parameters.sent_dtype)
            potentials = np.empty((steps, NEURONS), dtype)
            end = parameters.advance(begin, currents.astype(dtype), sent, potentials, time)

            state = start
            for step in range(steps):
                found, leaves = population(parameters, state, currents[step], time + step)
                state = NeuronState(*(np.array(found[name]) for name in state._fields))
                assert potentials[step].tolist() == found["potential"]
                assert sent[step].tolist() == leaves
            for name, result in end._asdict().items():
                assert result.tolist() == getattr(state, name).tolist(), name
            assert [array.dtype for array in end] == [array.dtype for array in begin]
            assert np.abs(sent.astype(int)).max() <= parameters.largest or (
                parameters.output is Output.VALUE
            )
