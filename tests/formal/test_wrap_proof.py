from typing import Any

import pytest
from amaranth.hdl import Assert, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.wrap.axi_lite import AxiLite
from spikeloom_hw.wrap.wishbone import Wishbone
from spikeloom_sim.formal import prove

BITS = 4
PROMPT = 12
"""Cycles in which an answer is there, if all others are prompt."""


def follow(m: Module, slave: Any, free: Any) -> Signal:
    """Carry out accesses within two cycles; what is read is the address."""
    late = Signal()
    done = Signal()
    m.d.comb += [
        done.eq(slave.accesses.valid & (free[0] | late)),
        slave.accesses.ready.eq(done),
        slave.outcomes.valid.eq(done),
        slave.outcomes.payload.data.eq(slave.accesses.payload.address),
        slave.outcomes.payload.failed.eq(slave.accesses.payload.address[2]),
    ]
    m.d.sync += late.eq(slave.accesses.valid & ~done)
    return done


def must_hold(m: Module, valid: Any, ready: Any, *payload: Any) -> None:
    """Assert that what is offered stays, and as it is, until it is taken."""
    waits, before = Signal(), Signal(len(Cat(*payload)))
    m.d.sync += [waits.eq(valid & ~ready), before.eq(Cat(*payload))]
    with m.If(waits):
        m.d.comb += Assert(valid & (Cat(*payload) == before), "an answer holds")


class AxiAnswers(wiring.Component):
    """Each request of a master gets one answer, its own, in order and soon.

    Addresses and words are numbered as they come: two bits of a count.
    """

    free: Signal

    def __init__(self, dut: AxiLite) -> None:
        self.dut = dut
        super().__init__({"free": In(6)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        done = follow(m, dut, self.free)
        awvalid, wvalid, arvalid, bready, rready = self.free[1:]
        ends = {
            "address": awvalid & dut.awready,
            "word": wvalid & dut.wready,
            "target": arvalid & dut.arready,
            "begun": done & dut.accesses.payload.write,
            "read": done & ~dut.accesses.payload.write,
            "answered": dut.bvalid & bready,
            "given": dut.rvalid & rready,
        }
        counts = {name: Signal(3, name=f"{name}_count") for name in ends}
        for name, happens in ends.items():
            m.d.sync += counts[name].eq(counts[name] + happens)
        m.d.comb += [
            dut.awvalid.eq(awvalid),
            dut.wvalid.eq(wvalid),
            dut.arvalid.eq(arvalid),
            dut.bready.eq(bready),
            dut.rready.eq(rready),
            dut.awaddr.eq(counts["address"][:2] << 2),
            dut.araddr.eq(counts["target"][:2] << 2),
            dut.wdata.eq(counts["word"][:2]),
            dut.wstrb.eq(Cat(counts["word"][0], 1, 1, 1)),
        ]

        # Answers stay, and are those of the requests.
        must_hold(m, dut.bvalid, bready, dut.bresp)
        must_hold(m, dut.rvalid, rready, dut.rresp, dut.rdata)
        access = dut.accesses.payload
        number = Mux(access.write, counts["begun"], counts["read"])[:2]
        with m.If(dut.accesses.valid):
            m.d.comb += Assert(access.address == number << 2, "each address once, in order")
        with m.If(dut.accesses.valid & access.write):
            m.d.comb += [
                Assert(access.data == number, "each word once, with its address"),
                Assert(access.whole == number[0], "a write of a part is told"),
            ]
        with m.If(dut.rvalid):
            m.d.comb += [
                Assert(dut.rdata == counts["given"][:2] << 2, "each read has its answer"),
                Assert(dut.rresp == Mux(counts["given"][0], 2, 0), "SLVERR where it failed"),
            ]
        with m.If(dut.bvalid):
            m.d.comb += Assert(dut.bresp == Mux(counts["answered"][0], 2, 0), "as of the write")

        # None is answered before it came, or waits although it might be served.
        for asked, answered, valid in (
            ("address", "answered", dut.bvalid),
            ("word", "answered", dut.bvalid),
            ("target", "given", dut.rvalid),
        ):
            left = Signal(3, name=f"{asked}_left")
            m.d.comb += [
                left.eq(counts[asked] - counts[answered]),
                Assert(left <= 3, "a request waits in one of three places"),
                Assert(~valid | (left != 0), "no answer without a request"),
            ]
        whole = (counts["address"] != counts["answered"]) & (counts["word"] != counts["answered"])
        for name, waits in (("write", whole), ("read", counts["target"] != counts["given"])):
            patience = Signal(range(PROMPT + 2), name=f"{name}_patience")
            answer = dut.bvalid if name == "write" else dut.rvalid
            m.d.sync += patience.eq(Mux(waits & ~answer, patience + 1, 0))
            m.d.comb += Assert(patience <= PROMPT, "an answer comes soon")
        return m


class Hasty(AxiLite):
    """A slave that does not wait until its answer is taken."""

    def _answer(self, m: Module) -> None:
        super()._answer(m)
        with m.If(self.bvalid):
            m.d.sync += self.bvalid.eq(0)


class Overwriting(AxiLite):
    """A slave that takes an address while it still holds one."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.awready.eq(1)
        return m


class Repeating(AxiLite):
    """A slave that makes an access once more when the next one waits."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        with m.If(self.arvalid & self.accesses.ready):
            m.d.sync += self.accesses.valid.eq(1)
        return m


class WishboneAnswers(wiring.Component):
    """Each transfer gets one answer, its own and soon, unless the master abandons it.

    The address is the number of the transfer.
    """

    free: Signal

    def __init__(self, dut: Wishbone) -> None:
        self.dut = dut
        super().__init__({"free": In(3)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        follow(m, dut, self.free)
        number, asked, answered = Signal(2), Signal(), Signal()
        m.d.comb += [
            Cat(dut.cyc_i, dut.stb_i).eq(self.free[1:]),
            asked.eq(dut.cyc_i & dut.stb_i),
            answered.eq(dut.ack_o | dut.err_o),
            dut.adr_i.eq(number << 2),
            dut.we_i.eq(number[1]),
            dut.sel_i.eq(Cat(number[0], 1, 1, 1)),
            Assert(~(dut.ack_o & dut.err_o), "one answer"),
            Assert(~answered | asked, "an answer to a transfer only"),
            Assert(~dut.err_o | number[0], "ERR where it failed"),
            Assert(~dut.ack_o | ~number[0], "ACK where it did not"),
        ]
        with m.If(answered):
            m.d.comb += Assert(dut.dat_o == number << 2, "the answer of this transfer")
        with m.If(dut.accesses.valid):
            m.d.comb += Assert(
                dut.accesses.payload.whole == dut.accesses.payload.address[2], "as it was asked"
            )

        # A transfer ends with its answer, or when it is not asked for any more.
        before, patience = Signal(), Signal(range(PROMPT + 2))
        m.d.sync += [
            before.eq(asked & ~answered),
            number.eq(number + ((before & ~asked) | answered)),
            patience.eq(Mux(asked & ~answered, patience + 1, 0)),
        ]
        m.d.comb += Assert(patience <= PROMPT, "an answer comes soon")
        return m


class Forgetful(Wishbone):
    """A slave that does not notice that a transfer was abandoned."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        answers = Signal()
        m.d.sync += answers.eq(self.outcomes.valid & ~self.outcomes.payload.failed)
        m.d.comb += self.ack_o.eq(answers & self.cyc_i & self.stb_i)
        return m


class Blind(Wishbone):
    """A slave that answers whether or not it is asked."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        answers = Signal()
        m.d.sync += answers.eq(self.outcomes.valid & self.outcomes.payload.failed)
        m.d.comb += self.err_o.eq(answers)
        return m


def test_axi_lite_answers_each_request_once_and_in_order() -> None:
    assert prove(AxiAnswers(AxiLite(BITS)))


@pytest.mark.parametrize("mutant", [Hasty, Overwriting, Repeating])
def test_the_proof_of_axi_lite_fails_for(mutant: type[AxiLite]) -> None:
    assert not prove(AxiAnswers(mutant(BITS)))


def test_wishbone_answers_each_transfer_once() -> None:
    assert prove(WishboneAnswers(Wishbone(BITS)))


@pytest.mark.parametrize("mutant", [Forgetful, Blind])
def test_the_proof_of_wishbone_fails_for(mutant: type[Wishbone]) -> None:
    assert not prove(WishboneAnswers(mutant(BITS)))
