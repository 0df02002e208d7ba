# amaranth: UnusedElaboratable=no
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import connect

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.interchip import ByteLine, LinkParameters, ParallelLine, SerialLine
from spikeloom_hw.tree.alarm import Alarm
from spikeloom_hw.tree.link_end import LinkEnd
from spikeloom_hw.tree.linked import LinkedChip
from spikeloom_sim.bench import collect, drive, simulate

WORD = data.StructLayout({"body": 32, "tag": 3})
SIZES = LinkParameters(35, window=4, batch=2, timeout=64, retries=4)
SLOW = LinkParameters(35, window=4, batch=2, timeout=2000, retries=4)
LONGEST = SIZES.timeout * SIZES.retries
CHIPS = ChipConfig(CoreConfig(), parents=(0, 0, 1))


class Pair(wiring.Component):
    """Two ends whose wires can be cut."""

    cut: Any

    def __init__(self, line: Any = ParallelLine) -> None:
        sizes = SLOW if line is SerialLine else SIZES
        self.upper = LinkEnd(WORD, line, upper=True, parameters=sizes)
        self.lower = LinkEnd(WORD, line, upper=False, parameters=sizes)
        super().__init__({"cut": wiring.In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.upper, m.submodules.lower = self.upper, self.lower
        ends: list[Any] = [self.upper, self.lower]
        for here, there in (ends, ends[::-1]):
            if "i_bytes" in here.pins:
                connect(m, here.o_bytes, there.i_bytes)
            elif "tx_pin" in here.pins:
                m.d.comb += there.rx_pin.eq(here.tx_pin)
            else:
                m.d.comb += [
                    there.data_in.eq(here.data_out),
                    there.strobe_in.eq(here.strobe_out & ~self.cut),
                ]
        return m


def test_the_end_of_the_parent_gives_up_for_good_and_that_of_the_child_begins_anew() -> None:
    pair, told = Pair(), []

    async def bench(ctx: Any) -> None:
        for cut, reset in ((0, 0), (1, 0), (0, 0), (0, 1)):
            ctx.set(pair.cut, cut)
            ctx.set(pair.upper.reset, reset)
            for _ in range(3 * LONGEST):
                await ctx.tick()
                ctx.set(pair.upper.reset, 0)
            told.append((ctx.get(pair.upper.error), ctx.get(pair.lower.error)))
        assert ctx.get(pair.upper.port.up) & ctx.get(pair.lower.port.up)

    simulate(pair, bench)
    assert told == [(0, 0), (1, 0), (1, 0), (0, 0)]


def test_the_end_of_the_parent_gives_up_if_nobody_is_there() -> None:
    end = LinkEnd(WORD, ParallelLine, upper=True, parameters=SIZES)
    errors = []

    async def bench(ctx: Any) -> None:
        for cycle in range(2 * LONGEST + 2):
            ctx.set(end.reset, cycle == LONGEST + 1)
            await ctx.tick()
            errors.append(ctx.get(end.error))

    simulate(end, bench)
    assert errors[: LONGEST + 2] == [0] * (LONGEST - 1) + [1, 1, 0]


def test_the_end_of_the_parent_gives_up_at_once_if_the_line_knows_that_nobody_is_there() -> None:
    pair, errors = Pair(ByteLine), []
    above: Any = pair.upper

    async def bench(ctx: Any) -> None:
        await ctx.tick().until(pair.upper.port.up)
        for lost, reset in ((0, 0), (1, 0), (1, 1), (1, 0), (0, 1), (0, 0)):
            ctx.set(above.lost, lost)
            ctx.set(pair.upper.reset, reset)
            await ctx.tick()
            errors.append(ctx.get(pair.upper.error))

    simulate(pair, bench)
    assert errors == [0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize("line", [ByteLine, SerialLine])
def test_words_pass_in_every_form(line: Any) -> None:
    pair, received = Pair(line), []
    words = [{"body": 77 * k, "tag": k % 6} for k in range(3)]
    simulate(pair, drive(pair.lower.i, words), collect(pair.upper.o, received, 3, seed=1))
    assert [{"body": word.body, "tag": word.tag} for word in received] == words


def test_the_alarm_is_one_word_behind_all_others() -> None:
    alarm, received = Alarm(4), []

    async def fail(ctx: Any) -> None:
        while len(received) < 3:
            await ctx.tick()
        ctx.set(alarm.culprit, 2)
        ctx.set(alarm.lost, 1)

    words = [{"word": k, "last": 0} for k in range(3)]
    simulate(alarm, drive(alarm.i, words), collect(alarm.o, received, 4), fail)
    assert [word.word for word in received] == [0, 1, 2, 3 << 29 | 2 << 20]
    assert received[-1].last


def test_a_chip_that_is_not_in_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Chip must be 0 to 3, not 4$"):
        LinkedChip(CHIPS, 4)
    message = "One chip has no links; parents must name those of the other chips"
    with pytest.raises(ValueError, match=f"^{message}$"):
        LinkedChip(ChipConfig(CoreConfig()))
