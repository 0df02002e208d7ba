"""Random networks for holding implementations against the golden model."""

from dataclasses import dataclass, replace

import numpy as np

from spikeloom_hw.config import CoreConfig, Walk

from .phases import assign_phases
from .projection import Convolution, Dense, Projection
from .quantised import QuantisedNetwork, QuantisedPopulation
from .random_population import VALUED, may_have_pixels, random_neuron, random_output
from .random_projection import Room, fill, random_convolution, random_projection

__all__ = ["Case", "random_case"]

_MOODS = (
    "mixed",
    "mixed",
    "mixed",
    "mixed",
    "silent input",
    "all fire",
    "none fires",
    "extreme weights",
)


@dataclass(frozen=True, eq=False)
class Case:
    """A network and its input.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    spikes : dict of str to (steps, 1, neurons) bool or int16 array
        Spikes of each input; values of a graded one.
    mood : str
        What is special about it.
    """

    network: QuantisedNetwork
    spikes: dict[str, np.ndarray]
    mood: str


def random_case(seed: int, core: CoreConfig, *, steps: int = 8, largest: int = 40) -> Case:
    """Draw a network that fits ``core`` and uses what it has, and its input.

    Recurrence, skips and both timings are in every mix; kinds of projections, delays, graded
    events and features of the neurons as the core allows.

    Parameters
    ----------
    seed : int
        Same seed and core, same case.
    core : CoreConfig
        Hardware that is to run it.
    steps : int
        Time steps; some are without any input spike.
    largest : int
        Most neurons of a population.
    """
    return _Draw(seed, core, largest).case(steps)


class _Draw:
    """Draws one case: what every core has from ``rng``, options from ``extra``."""

    def __init__(self, seed: int, core: CoreConfig, largest: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.extra = np.random.default_rng([seed, 1])
        self.core = core
        self.largest = largest
        self.mood = _MOODS[self.rng.integers(len(_MOODS))]
        self.room = Room(core)
        self.pixels = Walk.CONVOLUTION in core.walks and may_have_pixels(core)

    def case(self, steps: int) -> Case:
        rng, core = self.rng, self.core
        inputs = [self._input(f"in{k}") for k in range(rng.integers(1, 3))]
        neurons, convolutions = self._neurons(inputs)
        projections = self._projections(inputs, neurons, convolutions)
        edges = [(p.source, p.target) for p in projections]
        deep = max(assign_phases([p.name for p in neurons], edges).values()) >= core.phases
        pipelined = deep or self.extra.random() < 0.25
        network = QuantisedNetwork(
            (*inputs, *neurons),
            tuple(projections),
            core.weight_width,
            core.accumulator_width,
            "pipelined" if pipelined else "exact",
        )
        density = 0.0 if self.mood == "silent input" else rng.choice([0.1, 0.4, 1.0])
        awake = rng.random((steps, 1, 1)) < 0.8
        spikes = {p.name: (rng.random((steps, 1, p.size)) < density) & awake for p in inputs}
        for population in inputs:
            if population.largest > 1:
                sent, most = spikes[population.name], population.largest
                spikes[population.name] = sent * self.extra.integers(
                    -most, most + 1, sent.shape, np.int16
                )
        return Case(network, spikes, self.mood)

    def _input(self, name: str) -> QuantisedPopulation:
        size = int(self.rng.integers(1, self.largest + 1))
        shape, largest = self._shape(0.7), 1
        if self.core.payload_width > 2 and self.extra.random() < 0.4:
            bits = self.core.payload_width - 1
            largest = min(int(2 ** self.extra.uniform(1, bits)), (1 << bits) - 1)
        size = size if shape is None else int(np.prod(shape))
        return QuantisedPopulation(name, size, shape=shape, largest=largest)

    def _shape(self, share: float) -> tuple[int, int, int] | None:
        if not self.pixels or self.extra.random() >= share:
            return None
        while True:
            channels, height, width = (int(n) for n in self.extra.integers(1, [4, 7, 7]))
            height = 1 if self.extra.random() < 0.2 else height
            if channels * height * width <= self.largest:
                return channels, height, width

    def _neurons(
        self, inputs: list[QuantisedPopulation]
    ) -> tuple[list[QuantisedPopulation], dict[str, Convolution]]:
        """Draw the populations, and the convolutions by target that give them their shapes."""
        core = self.core
        rows, groups = core.neuron_rows, core.value_groups
        neurons: list[QuantisedPopulation] = []
        convolutions: dict[str, Convolution] = {}
        count = int(self.rng.integers(1, 4))
        for k in range(count):
            name, size = f"n{k}", int(self.rng.integers(1, self.largest + 1))
            shape = None
            spare = rows - (count - k - 1) * -(-self.largest // core.lanes)
            made = self._convolution([*inputs, *neurons], spare)
            if made is not None:
                convolutions[name] = replace(made, target=name)
                shape, size = made.output_shape, made.shape[1]
            used = self.room.rows_of(shape or (size, 1, 1))
            valued = used * core.groups_per_row
            output = random_output(self.extra, core, valued <= groups)
            pixels = shape is not None and shape[1:] != (1, 1)
            traits = (size, self.mood, output, pixels)
            neuron = random_neuron(self.rng, self.extra, core, traits)
            neurons.append(QuantisedPopulation(name, size, neuron, shape=shape))
            rows -= used
            groups -= valued if output in VALUED else 0
        return neurons, convolutions

    def _convolution(self, sources: list[QuantisedPopulation], rows: int) -> Convolution | None:
        """Draw a convolution from one of the sources into no more than so many rows."""
        shaped = [p for p in sources if p.shape and self._sends(p)]
        if not shaped or self.extra.random() < 0.2:
            return None
        source = shaped[self.extra.integers(len(shaped))]
        made = random_convolution(self.extra, source, self.largest)
        return made if made and self.room.rows_of(made.output_shape) <= rows else None

    def _sends(self, population: QuantisedPopulation) -> bool:
        """Whether synapses can receive what the population sends."""
        bits = self.core.payload_width
        return 0 < population.largest_value <= max(1, (1 << bits >> 1) - 1)

    def _projections(
        self,
        inputs: list[QuantisedPopulation],
        neurons: list[QuantisedPopulation],
        convolutions: dict[str, Convolution],
    ) -> list[Projection]:
        core, projections = self.core, []
        most = (1 << (core.accumulator_width - 1)) - 1
        for target in neurons:
            left = np.full(target.size, most)
            for source in (*inputs, *neurons):
                first = source is inputs[0] and target is neurons[0]
                wanted = self.rng.random() < 0.6 or first
                made = convolutions.get(target.name)
                if made is None or made.source != source.name:
                    if not wanted or not self._sends(source):
                        continue
                    made = random_projection(self.extra, (source, target), core)
                if self.room.take(made, source.maps, target.maps):
                    room = left // source.largest_value
                    projections.append(self._filled(made, room))
                    left -= projections[-1].magnitudes() * source.largest_value
        return projections

    def _filled(self, projection: Projection, room: np.ndarray) -> Projection:
        limits = (self.core.weight.low, self.core.weight.high)
        if not isinstance(projection, Dense):
            return fill(self.extra, projection, room, limits)
        shape = projection.weights.shape
        weights = self.rng.integers(limits[0], limits[1] + 1, shape)
        if self.mood == "extreme weights":
            weights = self.rng.choice(limits, shape)
        # Weights for which the accumulator has no room are left out.
        kept = np.cumsum(np.abs(weights), axis=0) <= room
        return replace(projection, weights=np.where(kept, weights, 0))
