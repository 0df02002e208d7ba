from typing import Any

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom_hw.access import lies_in
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.registers import CHIP_BITS, Register, regions
from spikeloom_sim.bench import simulate

CORE = CoreConfig(lanes=8, update_lanes=8, weight_rows=16, sources=64)
FOURS = tuple(k // 4 for k in range(40))
TREES = [(1, (0, 0, 1)), (2, (0, 1, 2)), (3, (0, 0, 0)), (16, (0, 0, 1)), (1, FOURS)]


class Claims(wiring.Component):
    address: Signal
    claims: Signal

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        super().__init__({"address": In(32), "claims": Out(config.chips)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        claims = [lies_in(self.address, self.config, c) for c in range(self.config.chips)]
        m.d.sync += self.claims.eq(Cat(claims))
        return m


def home_of(name: str, config: ChipConfig) -> int:
    # Who decodes a memory: filters of what goes down are above the link.
    kind, _, number = name.partition("@")
    if kind == "up":
        return int(number)
    if kind == "down":
        return config.parents[int(number) - 1]
    return int(number or 0) // config.cores


@pytest.mark.parametrize(("cores", "parents"), TREES)
def test_an_address_is_claimed_by_the_chip_that_has_it_and_all_above(
    cores: int, parents: tuple[int, ...]
) -> None:
    config = ChipConfig(CORE, cores=cores, parents=parents)
    homes = {}
    for name, region in regions(config).items():
        for address in (region.base, region.base + region.rows * region.stride - 1):
            homes[address] = home_of(name, config)
    for chip in range(config.chips):
        for register in Register:
            homes[(chip << CHIP_BITS) + register] = chip
    dut = Claims(config)

    async def bench(ctx: Any) -> None:
        for address, home in homes.items():
            ctx.set(dut.address, address)
            await ctx.tick()
            claims = ctx.get(dut.claims)
            line = 1 << home
            while home:
                home = config.parents[home - 1]
                line |= 1 << home
            # The root is never asked: what no other chip claims is its own.
            assert claims | 1 == line | 1, f"{address:#x}"

    simulate(dut, bench)
