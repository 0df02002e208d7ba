import random
from typing import Any

import pytest

from spikeloom_hw.counter_bank import CounterBank
from spikeloom_hw.registers import Register
from spikeloom_sim.bench import simulate

EVERY = (*CounterBank.PULSES, Register.SYNAPTIC_LOW, Register.SYNAPTIC_HIGH, Register.CYCLES)


async def read(ctx: Any, dut: CounterBank, register: Register) -> int:
    """Read a counter, as soon as it is up to date."""
    ctx.set(dut.wanted, register)
    for waited in range(2 * CounterBank.ROUND + 4):
        found, value = ctx.get(dut.found), ctx.get(dut.value)
        await ctx.tick()
        if found and waited > 2:
            return value
    raise AssertionError(f"{register.name} was never found")


async def quiet(ctx: Any, dut: CounterBank) -> None:
    for signal in (dut.pulses, dut.synaptic, dut.open, dut.done, dut.zero):
        ctx.set(signal, 0)


@pytest.mark.parametrize("cores, seed", [(1, 0), (1, 1), (1, 2), (1, 3), (3, 4), (16, 5)])
@pytest.mark.parametrize("pace", [0.02, 0.3])
def test_every_counter_is_exact(cores: int, seed: int, pace: float) -> None:
    rng = random.Random(f"{seed} {pace}")
    dut = CounterBank(1000 // cores, cores)
    most = 1000 // cores * cores
    in_cores = (Register.EVENTS_IN, Register.SPIKES, Register.ROWS)

    async def bench(ctx: Any) -> None:
        totals = dict.fromkeys(EVERY, 0)
        opened = 0
        for _ in range(600):
            for register in CounterBank.PULSES:
                count = rng.randrange(cores + 1) if register in in_cores else 1
                totals[register] += (happened := count if rng.random() < 0.9 else 0)
                ctx.set(dut.pulse(dut.pulses, register), happened)
            synaptic = rng.choice([0, most, rng.randrange(most + 1)])
            is_open, done, zero = rng.random() < 0.9, rng.random() < pace, rng.random() < 0.01
            ctx.set(dut.synaptic, synaptic)
            ctx.set(dut.open, is_open)
            ctx.set(dut.done, done)
            ctx.set(dut.zero, zero)
            totals[Register.SYNAPTIC_LOW] += synaptic
            opened += is_open
            if done:
                totals[Register.CYCLES] = opened
            if zero:
                totals, opened = dict.fromkeys(EVERY, 0), 0
            await ctx.tick()
        await quiet(ctx, dut)
        for register in EVERY:
            assert await read(ctx, dut, register) == totals[register], register

    simulate(dut, bench)
    assert most


def test_all_counters_begin_at_zero() -> None:
    dut = CounterBank(5)

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(CounterBank.ROUND + 2)
        assert [await read(ctx, dut, register) for register in EVERY] == [0] * len(EVERY)

    simulate(dut, bench)


def test_a_sum_carries_into_its_high_word() -> None:
    most = (1 << 21) + 12345
    dut = CounterBank(most)
    cycles = 4200

    async def bench(ctx: Any) -> None:
        ctx.set(dut.synaptic, most)
        await ctx.tick().repeat(cycles)
        await quiet(ctx, dut)
        low = await read(ctx, dut, Register.SYNAPTIC_LOW)
        high = await read(ctx, dut, Register.SYNAPTIC_HIGH)
        assert high > 1
        assert high << 32 | low == most * cycles

    simulate(dut, bench, deadline=6000)
    assert most * cycles > 1 << 33
