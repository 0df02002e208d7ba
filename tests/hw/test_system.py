import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from spikeloom_hw.access import decode
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.memory import RowMem
from spikeloom_hw.registers import ID, VERSION, Control, Errors, Register, Status, regions
from spikeloom_hw.system import System
from spikeloom_sim.bench import simulate

CORE = CoreConfig(lanes=8, update_lanes=1, weight_rows=5, neuron_rows=3)
CONFIG = ChipConfig(CORE)
ROUND = 1 << 32


class Harness(wiring.Component):
    """The system block with two memories behind it; the rest of its inputs are free."""

    def __init__(self, config: ChipConfig = CONFIG) -> None:
        self.config = config
        self.system = System(config)
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.system = self.system
        known = regions(self.config)
        memories = {
            name: RowMem(known[name].layout, known[name].rows)
            for name in ("weights", "accumulators")
        }
        m.submodules += memories.values()
        decode(m, self.system.access, memories, known)
        return m


async def request(ctx: Any, system: System, address: int, data: int | None = None) -> int | None:
    """Write ``data``, or read; give what was read."""
    ctx.set(
        system.requests.payload, {"write": data is not None, "address": address, "data": data or 0}
    )
    ctx.set(system.requests.valid, 1)
    ctx.set(system.responses.ready, 1)
    answer = None
    taken = False
    while not taken:
        outputs = system.requests.ready, system.responses.valid, system.responses.payload
        _, _, taken, valid, value = await ctx.tick().sample(*outputs)
        if valid:
            answer = value
    ctx.set(system.requests.valid, 0)
    return answer


def run(bench: Any, config: ChipConfig = CONFIG) -> None:
    dut = Harness(config)

    async def started(ctx: Any) -> None:
        ctx.set(dut.system.idle, 1)
        await bench(ctx, dut.system)

    simulate(dut, started, deadline=3000)


def test_the_identity_can_be_read() -> None:
    seen: dict[Register, Any] = {}

    async def bench(ctx: Any, system: System) -> None:
        ctx.set(system.steps, 77)
        for register in Register:
            seen[register] = await request(ctx, system, register)

    run(bench)
    named = {
        Register.ID: ID,
        Register.VERSION: VERSION,
        Register.HASH_LOW: CONFIG.hash % ROUND,
        Register.HASH_HIGH: CONFIG.hash // ROUND,
        Register.STEPS: 77,
    }
    assert seen == {register: named.get(register, 0) for register in Register}


def test_the_status_tells_whether_the_chip_is_busy() -> None:
    async def bench(ctx: Any, system: System) -> None:
        assert await request(ctx, system, Register.STATUS) == 0
        ctx.set(system.idle, 0)
        assert await request(ctx, system, Register.STATUS) == Status.BUSY

    run(bench)


def test_error_bits_stay_until_1_is_written_to_them() -> None:
    async def bench(ctx: Any, system: System) -> None:
        for signal in (system.bad_word, system.activity.bad_source):
            ctx.set(signal, 1)
            await ctx.tick()
            ctx.set(signal, 0)
        assert await request(ctx, system, 0x7F << 24) == 0
        both = Errors.BAD_SOURCE | Errors.BAD_WORD
        assert await request(ctx, system, Register.ERRORS) == both | Errors.BAD_ADDRESS
        await request(ctx, system, Register.ERRORS, Errors.BAD_WORD)
        left = Errors.BAD_SOURCE | Errors.BAD_ADDRESS
        assert await request(ctx, system, Register.ERRORS) == left
        await request(ctx, system, Register.ERRORS, 0)
        assert await request(ctx, system, Register.ERRORS) == left
        await request(ctx, system, Register.ERRORS, 0xFFFFFFFF)
        assert await request(ctx, system, Register.ERRORS) == 0

    run(bench)


def test_an_error_that_comes_as_another_is_cleared_is_kept() -> None:
    async def bench(ctx: Any, system: System) -> None:
        ctx.set(system.bad_word, 1)
        await ctx.tick()
        ctx.set(system.bad_word, 0)
        ctx.set(system.activity.bad_source, 1)
        await request(ctx, system, Register.ERRORS, Errors.BAD_WORD)
        ctx.set(system.activity.bad_source, 0)
        assert await request(ctx, system, Register.ERRORS) == Errors.BAD_SOURCE

    run(bench)


@pytest.mark.parametrize("seed", [1, 2])
def test_memories_hold_what_was_written(seed: int) -> None:
    rng = random.Random(seed)
    known = regions(CONFIG)
    places = [
        known[name].base + row * known[name].stride + word
        for name in ("weights", "accumulators")
        for row in range(known[name].rows)
        for word in range(known[name].words)
    ]
    accumulators = known["accumulators"]
    width = {accumulators.base + 8 * row + 4: 16 for row in range(accumulators.rows)}

    async def bench(ctx: Any, system: System) -> None:
        expected = {}
        for place in places:
            value = rng.getrandbits(32)
            expected[place] = value & ((1 << width.get(place, 32)) - 1)
            await request(ctx, system, place, value)
        for place in rng.sample(places, len(places)):
            assert await request(ctx, system, place) == expected[place]
        assert await request(ctx, system, Register.ERRORS) == 0

    run(bench)


@pytest.mark.parametrize(
    "address", [0x10100000 + 2 * 5, 0x10500000, 0x11000000, 0x01000000, 0x10600000 + 8 * 4]
)
@pytest.mark.parametrize("write", [False, True])
def test_an_address_that_does_not_exist_is_told(address: int, write: bool) -> None:
    async def bench(ctx: Any, system: System) -> None:
        answer = await request(ctx, system, address, 5 if write else None)
        assert answer == (None if write else 0)
        assert await request(ctx, system, Register.ERRORS) == Errors.BAD_ADDRESS

    run(bench)


@pytest.mark.parametrize("write", [False, True])
def test_an_access_to_a_memory_waits_until_the_chip_is_idle(write: bool) -> None:
    async def bench(ctx: Any, system: System) -> None:
        ctx.set(system.idle, 0)
        payload = {"write": write, "address": 0x10100000, "data": 9}
        ctx.set(system.requests.payload, payload)
        ctx.set(system.requests.valid, 1)
        for _ in range(30):
            outputs = system.requests.ready, system.access.read, system.access.write
            _, _, *acted = await ctx.tick().sample(*outputs)
            assert not any(acted)
        ctx.set(system.idle, 1)
        await request(ctx, system, 0x10100000, 9 if write else None)

    run(bench)


@pytest.mark.parametrize("bits", range(8))
def test_control_resets_clears_and_zeroes(bits: int) -> None:
    async def bench(ctx: Any, system: System) -> None:
        ctx.set(system.idle, 0)
        ctx.set(system.word, 1)
        await ctx.tick()
        ctx.set(system.word, 0)
        payload = {"write": 1, "address": Register.CONTROL, "data": bits}
        ctx.set(system.requests.payload, payload)
        ctx.set(system.requests.valid, 1)
        waits = bool(bits & Control.CLEAR) and not bits & Control.RESET
        outputs = system.requests.ready, system.reset, system.clear
        for _ in range(10):
            if not waits:
                break
            _, _, taken, _, clear = await ctx.tick().sample(*outputs)
            assert not taken
            assert not clear
        ctx.set(system.idle, 1)
        taken = reset = clear = 0
        while not taken:
            assert not reset
            assert not clear
            _, _, taken, reset, clear = await ctx.tick().sample(*outputs)
        ctx.set(system.requests.valid, 0)
        assert not reset
        assert clear == bool(bits & Control.CLEAR)
        ctx.set(system.done, 1)
        _, _, reset = await ctx.tick().sample(system.reset)
        assert reset == bool(bits & Control.RESET)
        ctx.set(system.done, 0)
        cycles = await request(ctx, system, Register.CYCLES)
        assert (cycles == 0) == bool(bits & Control.ZERO_COUNTERS)

    run(bench)


def test_the_counters_count() -> None:
    rng = random.Random(3)
    totals = dict.fromkeys(Register, 0)

    async def bench(ctx: Any, system: System) -> None:
        activity = system.activity
        inputs = {
            Register.EVENTS_IN: activity.event,
            Register.EVENTS_OUT: system.recorded,
            Register.SPIKES: activity.spike,
            Register.ROWS: activity.row,
            Register.CYCLES_INTEGRATE: activity.integrating,
            Register.CYCLES_UPDATE: activity.updating,
        }
        first, last = -1, -1
        for cycle in range(200):
            for register, signal in inputs.items():
                value = rng.random() < 0.4
                totals[register] += value
                ctx.set(signal, value)
            stepping, job, size = rng.random() < 0.5, rng.random() < 0.5, rng.randrange(25)
            word, done = rng.random() < 0.05, rng.random() < 0.05
            ctx.set(system.stepping, stepping)
            ctx.set(activity.job, job)
            ctx.set(activity.size, size)
            ctx.set(system.word, word)
            ctx.set(system.done, done)
            busy = ctx.get(activity.integrating) or ctx.get(activity.updating)
            totals[Register.CYCLES_CONTROL] += stepping and not busy
            totals[Register.SYNAPTIC_LOW] += size if job else 0
            first = cycle if word and first < 0 else first
            last = cycle if done else last
            await ctx.tick()
        for signal in (*inputs.values(), system.stepping, activity.job, system.word, system.done):
            ctx.set(signal, 0)
        totals[Register.CYCLES] = last - first + 1
        for register in (*inputs, Register.CYCLES_CONTROL, Register.SYNAPTIC_LOW, Register.CYCLES):
            assert await request(ctx, system, register) == totals[register], register
        await request(ctx, system, Register.CONTROL, Control.ZERO_COUNTERS)
        for register in (*inputs, Register.CYCLES_CONTROL, Register.SYNAPTIC_LOW, Register.CYCLES):
            assert await request(ctx, system, register) == 0

    run(bench)
    assert all(totals[register] for register in (Register.SPIKES, Register.CYCLES))


def test_without_counters_they_read_as_zero() -> None:
    async def bench(ctx: Any, system: System) -> None:
        ctx.set(system.activity.event, 1)
        await ctx.tick()
        await ctx.tick()
        assert await request(ctx, system, Register.EVENTS_IN) == 0
        assert await request(ctx, system, Register.ID) == ID

    run(bench, ChipConfig(CORE, counters=False))


def test_addresses_between_the_registers_read_as_zero() -> None:
    named = set(Register)

    async def bench(ctx: Any, system: System) -> None:
        for address in set(range(256)) - named:
            assert await request(ctx, system, address) == 0
            await request(ctx, system, address, 0xFFFFFFFF)
        assert await request(ctx, system, Register.ERRORS) == 0

    run(bench)
    assert len(named) < 256
