import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.walker import Walker
from spikeloom_sim.bench import simulate

LANES = 4
AXES = ("channel", "line", "column")


@dataclass(frozen=True)
class Layer:
    """A convolution of what is left of (channels, height, width) after sums over pool x pool."""

    channels: int
    size: tuple[int, int]
    outputs: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    pool: int = 1

    def reach(self, axis: int) -> int:
        """Output lines or columns."""
        span = self.size[axis] // self.pool + 2 * self.padding
        return (span - self.dilation * (self.kernel[axis] - 1) - 1) // self.stride + 1

    def blocks(self, channel: int) -> range:
        """Blocks of lanes that hold an output of the channel's group."""
        each = self.outputs // self.groups
        first = channel // (self.channels // self.groups) * each
        return range(first // LANES, (first + each - 1) // LANES + 1)

    @property
    def deepest(self) -> int:
        """Weight rows of a tap."""
        return max(len(self.blocks(channel)) for channel in range(self.channels))

    @property
    def pixel(self) -> int:
        """Neuron rows of an output pixel, a power of two."""
        return 1 << (-(-self.outputs // LANES) - 1).bit_length()

    def weight_row(self, channel: int, line: int, column: int, block: int) -> int:
        tap = (channel * self.kernel[0] + line) * self.kernel[1] + column
        return tap * self.deepest + block - self.blocks(channel)[0]

    def row(self, line: int, column: int, block: int) -> int:
        return (line * self.reach(1) + column) * self.pixel + block

    def direct(self, channel: int, line: int, column: int) -> Counter[tuple[int, int]]:
        """Requests of a spike, by the definition of a convolution."""
        found: Counter[tuple[int, int]] = Counter()
        pooled = line // self.pool, column // self.pool
        if any(pooled[k] >= self.size[k] // self.pool for k in (0, 1)):
            return found
        outputs = range(self.reach(0)), range(self.reach(1))
        taps = range(self.kernel[0]), range(self.kernel[1])
        for y, x, i, j in itertools.product(*outputs, *taps):
            from_line = y * self.stride + i * self.dilation - self.padding
            from_column = x * self.stride + j * self.dilation - self.padding
            if (from_line, from_column) == pooled:
                for block in self.blocks(channel):
                    found[self.weight_row(channel, i, j, block), self.row(y, x, block)] += 1
        return found


@dataclass
class Tables:
    """Tables of all layers, and the job of each spike."""

    config: CoreConfig
    tables: dict[str, list[dict[str, int]]] = field(
        default_factory=lambda: {axis: [] for axis in AXES}
    )

    def add(self, layer: Layer, weight_row: int, row: int) -> dict[str, int]:
        """Add the entries of a layer; give its projection."""
        firsts = {f"{axis}s": len(table) for axis, table in self.tables.items()}
        start = [layer.blocks(channel) for channel in range(layer.channels)]
        self.tables["channel"] += [
            {"weight": layer.weight_row(k, 0, 0, b[0]), "row": b[0], "count": len(b)}
            for k, b in enumerate(start)
        ]
        steps = {}
        units = {
            "line": (layer.kernel[1] * layer.deepest, layer.reach(1) * layer.pixel),
            "column": (layer.deepest, layer.pixel),
        }
        for axis, (name, (weight, neurons)) in enumerate(units.items()):
            self.tables[name] += [
                entry(layer, axis, place, weight, neurons) for place in range(layer.size[axis])
            ]
            apart = layer.stride // math.gcd(layer.stride, layer.dilation)
            back = apart * layer.dilation // layer.stride
            steps[f"{name}_weight"] = self.wrap(apart * weight, self.config.weight_rows)
            steps[f"{name}_row"] = self.wrap(-back * neurons, self.config.neuron_rows)
        return {
            "kind": Walk.CONVOLUTION,
            "weight_row": weight_row,
            "row": row,
            "size": layer.outputs // layer.groups,
            **firsts,
            **steps,
        }

    def wrap(self, step: int, depth: int) -> int:
        return step % (1 << (depth - 1).bit_length())


def entry(layer: Layer, axis: int, place: int, weight: int, neurons: int) -> dict[str, int]:
    """Taps of a line or a column: those whose output is there follow each other."""
    pooled = place // layer.pool
    if pooled >= layer.size[axis] // layer.pool:
        return {"weight": 0, "row": 0, "count": 0}
    taps = []
    for tap in range(layer.kernel[axis]):
        output, left = divmod(pooled + layer.padding - tap * layer.dilation, layer.stride)
        if not left and 0 <= output < layer.reach(axis):
            taps.append((tap, output))
    first = taps[0] if taps else (0, 0)
    return {"weight": first[0] * weight, "row": first[1] * neurons, "count": len(taps)}


def random_layer(rng: random.Random) -> Layer:
    while True:
        groups = rng.choice([1, 1, 1, 2, 3, 5])
        channels = groups * rng.randint(1, 3)
        # One output for each channel is a depthwise convolution.
        outputs = channels if rng.random() < 0.3 else groups * rng.randint(1, 5)
        layer = Layer(
            channels=channels,
            size=(rng.randint(1, 9), rng.randint(1, 9)),
            outputs=outputs,
            kernel=(rng.randint(1, 7), rng.randint(1, 7)),
            stride=rng.choice([1, 1, 2, 3, 4]),
            padding=rng.randint(0, 3),
            dilation=rng.randint(1, 3),
            groups=groups,
            pool=rng.choice([1, 1, 1, 2, 3]),
        )
        if min(layer.reach(0), layer.reach(1)) >= 1 and min(layer.size) >= layer.pool:
            return layer


@dataclass
class Run:
    requests: list[tuple[int, int]] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)


def run(tables: Tables, jobs: list[dict[str, int]], seed: int | None) -> Run:
    """Give jobs, answer table reads one cycle later, and take requests."""
    dut = Walker(tables.config)
    rng = random.Random(seed)
    waiting, result = list(jobs), Run()
    reads = [getattr(dut, f"{axis}{end}") for axis in AXES for end in ("_read", "")]

    async def bench(ctx: Any) -> None:
        offering, quiet, cycle = False, 0, 0
        while quiet < 6:
            offering = bool(waiting) and (offering or seed is None or rng.random() < 0.5)
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            outputs = dut.o.valid, dut.o.payload, dut.i.ready, dut.started, dut.size
            _, _, valid, request, ready, started, size, *read = await ctx.tick().sample(
                *outputs, *reads
            )
            for axis, asked, row in zip(AXES, read[::2], read[1::2], strict=True):
                if asked:
                    ctx.set(getattr(dut, f"{axis}_entry"), tables.tables[axis][row])
            if valid:
                result.requests.append((int(request.weight_row), int(request.row)))
                result.cycles.append(cycle)
            if started:
                result.operations.append(int(size))
            if offering and ready:
                del waiting[0]
                offering = False
            cycle, quiet = cycle + 1, 0 if waiting or valid else quiet + 1
        assert ctx.get(dut.idle)

    simulate(dut, bench)
    return result


def spikes_of(layer: Layer, count: int, rng: random.Random) -> list[tuple[int, int, int]]:
    sizes = layer.channels, *layer.size
    places = list(itertools.product(range(sizes[0]), range(sizes[1]), range(sizes[2])))
    return rng.choices(places, k=count)


def job_of(projection: dict[str, int], spike: tuple[int, int, int]) -> dict[str, int]:
    """Job of a spike, as the dispatcher makes it."""
    places = dict(zip(("channels", "lines", "columns"), spike, strict=True))
    return {**projection, **{name: projection[name] + place for name, place in places.items()}}


@pytest.mark.parametrize(
    "seed, weight_rows, neuron_rows", [(None, 4096, 1024), (1, 4096, 1024), (None, 2500, 900)]
)
def test_requests_are_those_of_a_direct_convolution(
    seed: int | None, weight_rows: int, neuron_rows: int
) -> None:
    config = CoreConfig(lanes=LANES, taps=4096, weight_rows=weight_rows, neuron_rows=neuron_rows)
    rng = random.Random(f"{weight_rows} {seed}")
    tables, events = Tables(config), []
    settings = 0
    while settings < 120:
        layer = random_layer(rng)
        weights = layer.channels * math.prod(layer.kernel) * layer.deepest
        neurons = layer.reach(0) * layer.reach(1) * layer.pixel
        if weights > weight_rows or neurons > neuron_rows:
            continue
        bases = rng.randint(0, weight_rows - weights), rng.randint(0, neuron_rows - neurons)
        projection = tables.add(layer, *bases)
        spikes = spikes_of(layer, 12, rng)
        events += [(layer, spike, job_of(projection, spike), bases) for spike in spikes]
        settings += 1
    rng.shuffle(events)
    result = run(tables, [job for _, _, job, _ in events], seed)

    # Each event has its own stretch of the requests, without a gap.
    place, operations, empty = 0, [], 0
    for layer, spike, _, bases in events:
        expected = layer.direct(*spike)
        found = result.requests[place : place + expected.total()]
        shifted = ((weight - bases[0], row - bases[1]) for weight, row in found)
        assert Counter(shifted) == expected
        if expected:
            cycles = result.cycles[place : place + len(found)]
            assert cycles == list(range(cycles[0], cycles[0] + len(found)))
            taps = len(found) // len(layer.blocks(spike[0]))
            operations += [layer.outputs // layer.groups] * taps
        empty += not expected
        place += len(found)
    assert place == len(result.requests) > 3000
    assert result.operations == operations
    if seed is None:
        # Only a job without a tap can leave a gap, of one cycle.
        gaps = result.cycles[-1] - result.cycles[0] + 1 - place
        assert 0 < gaps <= empty


LAYERS = {
    "edges": Layer(4, (6, 5), 16, (3, 3), padding=1),
    "one block": Layer(2, (6, 6), 4, (5, 5), padding=2),
    "strided": Layer(3, (8, 8), 8, (2, 2), stride=2),
    "one request each": Layer(4, (6, 6), 4, (2, 2), stride=2, groups=4),
    "pooled depthwise": Layer(8, (8, 8), 8, (3, 3), padding=1, groups=8, pool=2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_cycle_has_a_request(name: str) -> None:
    layer = LAYERS[name]
    tables = Tables(CoreConfig(lanes=LANES, taps=64, weight_rows=512, neuron_rows=512))
    projection = tables.add(layer, 0, 0)
    spikes = spikes_of(layer, 100, random.Random(name))
    result = run(tables, [job_of(projection, spike) for spike in spikes], None)
    count = sum(layer.direct(*spike).total() for spike in spikes)
    assert result.cycles == list(range(4, 4 + count))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("busy", [1, 2, 3])
def test_a_job_without_a_tap_gives_no_request_and_takes_one_cycle(axis: str, busy: int) -> None:
    tables = Tables(CoreConfig(lanes=LANES, taps=8, weight_rows=64, neuron_rows=16))
    for name in AXES:
        counts = [1, 0 if name == axis else 1]
        tables.tables[name] = [{"weight": 0, "row": 0, "count": count} for count in counts]
    tables.tables["channel"][0]["count"] = busy
    job = {"kind": Walk.CONVOLUTION, "channels": 0, "lines": 0, "columns": 0, "size": 3}
    empty = {**job, f"{axis}s": 1}
    result = run(tables, [job, empty, job, empty, empty, empty, job], None)
    assert len(result.requests) == 3 * busy
    assert result.operations == [3] * 3
    # One of them takes a cycle, of which those of the job before hide all but its first.
    starts = result.cycles[::busy]
    assert starts[1] - starts[0] == max(busy, 2)
    assert starts[2] - starts[1] == max(busy, 4)
