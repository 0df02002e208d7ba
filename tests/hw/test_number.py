from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Shape, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from spikeloom_hw.number import (
    DECAY_FRACTION,
    DECAY_ONE,
    DECAY_WIDTH,
    Signed,
    approach,
    approached,
    decay,
    decayed,
    divided,
    reduced,
    shift_factor,
)


class Expression(wiring.Component):
    """Gives what ``build`` makes of its operand."""

    operand: Signal
    result: Signal

    def __init__(self, width: int, build: Any, shape: Shape) -> None:
        self.build = build
        super().__init__({"operand": In(signed(width)), "result": Out(shape)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.result.eq(self.build(self.operand))
        return m


def evaluate(dut: Expression, operands: Any) -> list[int]:
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        for operand in operands:
            ctx.set(dut.operand, int(operand))
            results.append(ctx.get(dut.result))

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
    return results


@pytest.mark.parametrize("width", [1, 0, -3, 2.0, "8", None])
def test_a_format_has_at_least_two_bits(width: Any) -> None:
    message = f"^Width must be an integer of at least 2, not {width!r}$"
    with pytest.raises(ValueError, match=message):
        Signed(width)


@pytest.mark.parametrize("width", [2, 5, 16])
def test_a_format_knows_its_range(width: int) -> None:
    number = Signed(width)
    assert (number.low, number.high) == (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    assert number.shape == signed(width)


@pytest.mark.parametrize("width", [2, 5, 8])
def test_clip_is_saturation_of_integers(width: int) -> None:
    number = Signed(width)
    numbers = np.arange(-(1 << width) - 3, (1 << width) + 4)
    expected = [min(max(int(n), number.low), number.high) for n in numbers]
    assert number.clip(numbers).tolist() == expected
    assert [int(number.clip(int(n))) for n in numbers] == expected
    assert number.clip(numbers.astype(float)).tolist() == expected
    assert number.clip(numbers, out=numbers) is numbers
    assert numbers.tolist() == expected


@pytest.mark.parametrize("width", [2, 5, 8])
def test_wrap_is_reduction_modulo_the_range(width: int) -> None:
    number = Signed(width)
    numbers = np.arange(-5 << width, 5 << width)
    wrapped = number.wrap(numbers)
    assert wrapped.min() == number.low
    assert wrapped.max() == number.high
    assert np.all((wrapped - numbers) % (1 << width) == 0)
    assert [number.wrap(int(n)) for n in numbers] == wrapped.tolist()


@pytest.mark.parametrize("wide, width", [(9, 2), (9, 5), (9, 8), (12, 11)])
def test_gateware_saturates_as_clip_does(wide: int, width: int) -> None:
    number = Signed(width)
    operands = range(-(1 << (wide - 1)), 1 << (wide - 1))
    dut = Expression(wide, number.saturate, number.shape)
    assert evaluate(dut, operands) == [int(number.clip(x)) for x in operands]


@pytest.mark.parametrize("wide, width", [(9, 2), (9, 5)])
def test_a_slice_in_gateware_wraps_as_wrap_does(wide: int, width: int) -> None:
    number = Signed(width)
    operands = range(-(1 << (wide - 1)), 1 << (wide - 1))
    dut = Expression(wide, lambda value: value[:width].as_signed(), number.shape)
    assert evaluate(dut, operands) == [number.wrap(x) for x in operands]


def exact(product: int) -> int:
    return product >> DECAY_FRACTION if product >= 0 else -(-product >> DECAY_FRACTION)


def test_gateware_rounds_a_product_toward_zero() -> None:
    width = 16 + DECAY_WIDTH
    limit = 1 << (width - 1)
    rng = np.random.default_rng(1)
    around = np.arange(-2 * DECAY_ONE, 2 * DECAY_ONE + 1)
    products = [*around.tolist(), *rng.integers(-limit, limit, 2000).tolist(), -limit, limit - 1]
    dut = Expression(width, decayed, signed(width))
    assert evaluate(dut, products) == [exact(product) for product in products]


@pytest.mark.parametrize("factor", [0, 1, 2, 1365, 2048, 3686, 4094, 4095, 4096])
def test_decay_rounds_toward_zero_for_every_potential(factor: int) -> None:
    numbers = np.arange(-(1 << 15), 1 << 15)
    expected = [exact(int(n) * factor) for n in numbers]
    assert decay(numbers, factor).tolist() == expected
    assert decay(numbers, np.full(len(numbers), factor)).tolist() == expected
    assert [decay(int(n), factor) for n in numbers[::997]] == expected[::997]


@pytest.mark.parametrize("width", [12, 18, 24, 32])
def test_floats_that_hold_integers_decay_as_integers_do(width: int) -> None:
    rng = np.random.default_rng(width)
    number = Signed(width)
    numbers = rng.integers(number.low, number.high + 1, 100_000)
    numbers[:4] = number.low, number.high, -1, 1
    factors = rng.integers(0, DECAY_ONE + 1, numbers.size)
    expected = decay(numbers, factors)
    result = decay(numbers.astype(np.float64), factors)
    assert result.dtype == np.float64
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("factor", [0, 1, 2048, 4095])
def test_a_decaying_potential_reaches_zero(factor: int) -> None:
    numbers = np.array([-(1 << 17), (1 << 17) - 1, -1, 1])
    for _ in range(60_000):
        numbers = decay(numbers, factor)
        if not numbers.any():
            break
    assert not numbers.any()


@pytest.mark.parametrize("shift", range(DECAY_FRACTION + 1))
def test_decay_by_a_power_of_two_needs_only_a_shift(shift: int) -> None:
    numbers = np.arange(-(1 << 15), 1 << 15)
    away = np.sign(numbers) * -(-abs(numbers) // (1 << shift))
    assert np.array_equal(decay(numbers, shift_factor(shift)), numbers - away)
    assert np.array_equal(
        decay(numbers, shift_factor(np.full(numbers.shape, shift))), numbers - away
    )


@pytest.mark.parametrize("shift", range(DECAY_FRACTION + 1))
def test_gateware_shifts_as_decay_does(shift: int) -> None:
    numbers = range(-512, 512)
    dut = Expression(10, lambda value: reduced(value, divided(value, Const(shift, 4))), signed(10))
    assert evaluate(dut, numbers) == [decay(n, shift_factor(shift)) for n in numbers]


@pytest.mark.parametrize("amount", [0, 1, 2, 100, 511])
def test_approach_stops_at_zero(amount: int) -> None:
    numbers = np.arange(-512, 512)
    expected = [
        (n > amount) * (n - amount) + (n < -amount) * (n + amount) for n in range(-512, 512)
    ]
    assert approach(numbers, amount).tolist() == expected
    assert approach(numbers.astype(float), np.full(1024, amount)).tolist() == expected
    assert [int(approach(n, amount)) for n in range(-512, 512)] == expected
    dut = Expression(10, lambda value: approached(value, Const(amount, 9)), signed(10))
    assert evaluate(dut, numbers) == expected
