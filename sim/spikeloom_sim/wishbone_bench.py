"""A master of Wishbone B4 in its standard mode for benches, which holds the slave to the rules."""

import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

__all__ = ["BusError", "WishboneMaster"]

_PATIENCE = 20_000


class BusError(Exception):
    """A bus was not answered as its rules say."""


class WishboneMaster:
    """Make cycles of one transfer, or of several in a block, with pauses between them.

    Checked in each clock cycle: ACK and ERR answer a transfer that is asked for, never both, and
    each transfer is answered once.

    Parameters
    ----------
    dut : handle
        Design with the signals ``wb_cyc_i`` to ``wb_err_o`` and the clock ``aclk``.
    seed : int or None
        Seed of the pauses; None for none.
    """

    def __init__(self, dut: Any, seed: int | None) -> None:
        self.dut = dut
        self.pick = random.Random(seed)
        self.pauses = seed is not None
        for name in ("cyc", "stb", "we", "adr", "sel", "dat"):
            getattr(dut, f"wb_{name}_i").value = 0
        self.fault = ""
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        """Look at the answers in the middle of each cycle, when all signals are still."""
        dut = self.dut
        while not self.fault:
            await FallingEdge(dut.aclk)
            if dut.aresetn.value != 1:
                continue
            answers = str(dut.wb_ack_o.value) + str(dut.wb_err_o.value)
            asked = dut.wb_cyc_i.value == 1 and dut.wb_stb_i.value == 1
            if answers not in ("00", "01", "10"):
                self.fault = f"ACK and ERR are {answers}"
            elif answers != "00" and not asked:
                self.fault = f"ACK and ERR are {answers}, but no transfer was asked for"

    async def access(self, offset: int, value: int | None, size: int) -> tuple[bool, int]:
        """Make one transfer; tell whether it failed, and what was read."""
        dut, clock = self.dut, RisingEdge(self.dut.aclk)
        # A transfer of the same block follows the one before without a gap.
        if self.pauses and self.pick.random() < 0.5:
            dut.wb_cyc_i.value = self.pick.randrange(2)
            for _ in range(self.pick.randrange(1, 8)):
                await clock
        dut.wb_cyc_i.value = dut.wb_stb_i.value = 1
        dut.wb_we_i.value = value is not None
        dut.wb_adr_i.value = offset
        dut.wb_sel_i.value = (1 << size) - 1
        dut.wb_dat_i.value = value or 0
        for _ in range(_PATIENCE):
            await clock
            if self.fault:
                raise BusError(self.fault)
            if dut.wb_ack_o.value == 1 or dut.wb_err_o.value == 1:
                break
        else:
            raise BusError(f"no answer at offset 0x{offset:x} in {_PATIENCE} cycles")
        failed = dut.wb_err_o.value == 1
        data = dut.wb_dat_o.value
        dut.wb_stb_i.value = 0
        if not self.pauses or self.pick.random() < 0.5:
            dut.wb_cyc_i.value = 0
        if value is not None or failed:
            return bool(failed), 0
        if not data.is_resolvable:
            raise BusError(f"what was read at offset 0x{offset:x} is {data}, which is no number")
        return False, int(data)
