from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_sim.formal import ProofError, Verdict, prove, with_fault


class Counter(wiring.Component):
    count: Signal

    def __init__(self, limit: int | None, *, gated: bool = False) -> None:
        self.limit, self.gated = limit, gated
        super().__init__({"count": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        value = Signal(8)
        with m.If(self.count & (value != 9)):
            m.d.sync += value.eq(value + 1)
        if self.gated:
            m.d.comb += Assume(~self.count, "nothing is counted")
        if self.limit is not None:
            m.d.comb += Assert(value <= self.limit, "the count is bounded")
        return m


def test_what_always_holds_is_proved() -> None:
    assert prove(Counter(9)) == Verdict(True)


@pytest.mark.parametrize("limit", [0, 4, 8])
def test_what_can_fail_is_refuted_with_the_first_cycle(limit: int) -> None:
    verdict = prove(Counter(limit))
    assert verdict == Verdict(False, limit + 1)
    assert not verdict


def test_a_bounded_proof_sees_no_further_than_its_bound() -> None:
    assert prove(Counter(4), cycles=5)
    assert prove(Counter(4), cycles=6) == Verdict(False, 5)


def test_assumptions_restrict_the_inputs() -> None:
    assert prove(Counter(0, gated=True))


def test_a_harness_that_asserts_nothing_is_an_error() -> None:
    with pytest.raises(ProofError, match="^The harness asserts nothing; add an Assert to it$"):
        prove(Counter(None))


class Distributive(wiring.Component):
    a: Signal
    b: Signal
    c: Signal

    def __init__(self) -> None:
        super().__init__({"a": In(20), "b": In(20), "c": In(20)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first, second, both = Signal(40), Signal(40), Signal(40)
        m.d.sync += [
            first.eq(self.a * self.c),
            second.eq(self.b * self.c),
            both.eq((self.a + self.b) * self.c),
        ]
        m.d.comb += Assert((first + second)[:40] == both, "multiplication is distributive")
        return m


def test_a_proof_that_takes_too_long_is_an_error() -> None:
    message = "^The proof was not decided within 1 s; make the harness smaller$"
    with pytest.raises(ProofError, match=message):
        prove(Distributive(), seconds=1)


def test_a_fault_is_put_into_a_component() -> None:
    assert not prove(with_fault(Counter, "value != 9", "value != 10")(9))


def test_a_fault_needs_a_text_that_is_there_once() -> None:
    message = "^The source of Counter has 'value == 9' 0 times; give text that it has once$"
    with pytest.raises(ValueError, match=message):
        with_fault(Counter, "value == 9", "")
