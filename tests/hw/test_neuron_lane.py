import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.neuron import (
    FIELDS,
    Constant,
    Fields,
    Leak,
    NeuronLane,
    NeuronParameters,
    NeuronState,
    Output,
    Per,
    Reset,
    Synapse,
    word_at,
)
from spikeloom_hw.neuron.fields import OPTIONAL, PER_NEURON
from spikeloom_hw.number import DECAY_ONE
from spikeloom_sim.bench import simulate
from spikeloom_sim.random_neuron import draw, draw_parameters, draw_state

# The type stubs of Amaranth lack it.
rtlil: Any = importlib.import_module("amaranth.back.rtlil")

NEURONS = 40
# What may be constant while the other parameters vary from population to population.
FREE = {"bias", "refractory", "current_decay", "adaptation_decay", "inclusive", "shift"}
NOTHING = 1 << 40
KINDS = {"reset", "leak", "synapse", "output", "winner"}


def draw_places(
    rng: np.random.Generator, first: NeuronParameters
) -> tuple[dict[str, Constant | Per], dict[str, Any]]:
    """Draw places for ``first``, and what they force upon other populations of the lane."""
    each = {name for name in PER_NEURON if np.ndim(getattr(first, name))}
    fixed = {name for name in (*sorted(FREE), "noise", "seed") if rng.random() < 0.6}
    if rng.random() < 0.6:
        fixed |= KINDS | {name for name in FIELDS if rng.random() < 0.6}
        fixed |= {"minimum", "reset_value", "inhibition", "adaptation_step"}
    chosen = {name: getattr(first, name) for name in FIELDS if name in fixed - each}
    places: dict[str, Constant | Per] = dict.fromkeys(FIELDS, Per.POPULATION)
    places |= dict.fromkeys(each, Per.NEURON)
    return places | {name: Constant(int(value)) for name, value in chosen.items()}, chosen


async def sweep(
    ctx: Any, lane: NeuronLane, parameters: NeuronParameters, inputs: dict[str, np.ndarray]
) -> list[dict[str, int]]:
    """Give the lane a neuron every cycle; take what is out ``latency`` cycles later."""
    places = lane.places
    state = [str(name) for name in places.state.members]
    others = ["current", "inhibited", *(["index"] if places.noisy else [])]
    outputs = ["fires", "sends", "margin", *(["value"] if places.value_width else [])]
    columns = {
        name: np.broadcast_to(getattr(parameters, name), NEURONS)
        for name in FIELDS
        if not isinstance(places[name], Constant)
    }
    results = []
    for cycle in range(NEURONS + lane.latency - 1):
        j = min(cycle, NEURONS - 1)
        for name, column in columns.items():
            ctx.set(lane.fields[name], int(column[j]))
        for name in state:
            ctx.set(lane.state[name], int(inputs[f"state {name}"][j]))
        for name in others:
            ctx.set(getattr(lane, name), int(inputs[name][j]))
        await ctx.tick()
        if cycle >= lane.latency - 1:
            after = {name: ctx.get(lane.next_state[name]) for name in state}
            results.append(after | {name: ctx.get(getattr(lane, name)) for name in outputs})
    return results


def expect(
    parameters: NeuronParameters, state: NeuronState, current: np.ndarray, time: int
) -> dict[str, np.ndarray]:
    """Give what the outputs of the lane must be; NOTHING where they mean nothing."""
    p = parameters
    after, sent = p.step(state, current, time)
    outputs = {name: np.full(NEURONS, NOTHING) for name in ("margin", "value")}
    outputs["fires"] = after.fired
    outputs["sends"] = sent > 0
    if p.output is Output.SPIKE:
        outputs["sends"] = after.fired
        stays = p.reset in (Reset.NONE, Reset.SUBTRACT_DELAYED)
        charged, _ = (p if stays else replace(p, reset=Reset.NONE)).step(state, current, time)
        above = charged.potential - (p.threshold + state.adaptation)
        outputs["margin"][after.fired] = above[after.fired]
    if p.output is Output.VALUE:
        outputs["sends"] = np.ones(NEURONS, bool)
    if p.output in (Output.COUNT, Output.VALUE):
        outputs["value"][outputs["sends"]] = sent[outputs["sends"]]
    return after._asdict() | outputs


def check_lane(
    rng: np.random.Generator, fields: Fields, populations: list[NeuronParameters]
) -> NeuronLane:
    lane = NeuronLane(fields, 18)

    async def bench(ctx: Any) -> None:
        for parameters in populations:
            state, time = draw_state(rng, parameters, NEURONS), int(rng.integers(1 << 33))
            current = draw(rng, -(1 << 17), (1 << 17) - 1, NEURONS)
            inputs = {f"state {name}": array for name, array in state._asdict().items()}
            inputs |= {"current": current, "inhibited": state.inhibited}
            ctx.set(lane.word, word_at(time))
            results = await sweep(ctx, lane, parameters, inputs | {"index": np.arange(NEURONS)})

            expected = expect(parameters, state, current, time)
            for j, result in enumerate(results):
                wanted = {name: int(expected[name][j]) for name in result}
                known = {name for name in result if wanted[name] != NOTHING}
                assert {n: result[n] for n in known} == {n: wanted[n] for n in known}

    simulate(lane, bench)
    return lane


@pytest.mark.parametrize("width", [8, 12, 18, 24])
@pytest.mark.parametrize("seed", range(6))
def test_a_lane_computes_a_neuron_each_cycle_as_the_model_does(width: int, seed: int) -> None:
    rng = np.random.default_rng([width, seed])
    populations = [draw_parameters(rng, width, NEURONS)]
    places, chosen = draw_places(rng, populations[0])
    each = frozenset(name for name in PER_NEURON if places[name] is Per.NEURON)
    for _ in range(3):
        populations.append(draw_parameters(rng, width, NEURONS, each, **chosen))
    check_lane(rng, Fields(places, width), populations)


def places_of(parts: str) -> dict[str, Constant | Per]:
    """Places of the optional fields of some parts; without any, the plain neuron."""
    fields = {
        "current": ("synapse", "current_decay"),
        "adaptation": ("adaptation_decay", "adaptation_step"),
        "winner": ("winner", "inhibition"),
        "noise": ("noise", "seed"),
    }
    return {name: Per.POPULATION for part in parts.split() for name in fields.get(part, (part,))}


@pytest.mark.parametrize(
    "places, latency",
    [
        ({}, 4),
        (places_of("leak adaptation winner"), 4),
        (places_of("current"), 5),
        (places_of("noise"), 5),
        (places_of("current noise leak adaptation winner"), 5),
        ({"output": Constant(Output.VALUE.value)}, 4),
        ({"output": Constant(Output.SILENT.value)}, 4),
        ({"output": Constant(Output.COUNT.value)}, 9),
        (places_of("output current adaptation"), 10),
    ],
)
def test_the_latency_follows_from_what_is_built(
    places: dict[str, Constant | Per], latency: int
) -> None:
    rng, fields = np.random.default_rng(latency), Fields(places)
    kinds = {"leak": Leak, "synapse": Synapse, "output": Output, "winner": bool}
    chosen: dict[str, Any] = {}
    for name in OPTIONAL:
        place = fields[name]
        if isinstance(place, Constant):
            chosen[name] = kinds.get(name, int)(place.value)
    if chosen.get("output") is Output.COUNT:
        chosen["reset"] = Reset.SUBTRACT
    lane = check_lane(rng, fields, [draw_parameters(rng, 18, NEURONS, frozenset(), **chosen)])
    assert lane.latency == latency


@pytest.mark.parametrize(
    "places, multipliers, ports",
    [
        ({}, 1, []),
        ({"decay": Constant(DECAY_ONE)}, 0, []),
        ({"leak": Constant(Leak.SHIFT.value)}, 0, []),
        ({"leak": Constant(Leak.LINEAR.value), "decay": Per.NEURON}, 0, []),
        (places_of("leak"), 1, []),
        (places_of("current"), 2, []),
        (places_of("current adaptation"), 3, []),
        (places_of("current") | {"leak": Constant(Leak.SHIFT.value)}, 1, []),
        (places_of("noise output winner"), 1, ["index", "value"]),
        ({"output": Constant(Output.SILENT.value)}, 1, []),
    ],
)
def test_nothing_is_built_that_is_not_needed(
    places: dict[str, Constant | Per], multipliers: int, ports: list[str]
) -> None:
    lane = NeuronLane(Fields(places), 18)
    assert rtlil.convert(lane, name="lane").count("cell $mul ") == multipliers
    assert {"index", "value"} & set(lane.signature.members) == set(ports)
