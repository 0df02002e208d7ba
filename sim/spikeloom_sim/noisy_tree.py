"""Chips joined by links with noisy wires, in one simulation: how often they are wrong is told."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.tree.joined import Joined

from . import link_noise, noisy_link
from .compiled import CompiledChip, kept_verilog
from .exchange import Exchange
from .link_noise import RATE_BITS
from .noisy_link import NoisyLink

__all__ = ["CompiledNoisyTree", "NoisyTree", "Trouble"]

_SETTING_BYTES = 7
_REPORT_BYTES = 4


@dataclass(frozen=True)
class Trouble:
    """What the links had to bear.

    Parameters
    ----------
    faults : int
        Symbols in which a wire was inverted.
    resent : int
        Times that an end went back to send words again.
    """

    faults: int
    resent: int


class NoisyTree(wiring.Component):
    """All chips of a tree, and a side door for the noise.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    divisor : int
        As of :class:`~spikeloom_sim.noisy_link.NoisyLink`.

    Members
    -------
    rx, tx : In, Out(stream.Signature(unsigned(8)))
        Bytes of the host.
    noise : Out(signature of two streams)
        In go seed and rate, seven bytes; a zero byte comes before other ones. For any other byte
        out come faults and times that words were sent again, two bytes each.
    """

    rx: stream.Interface
    tx: stream.Interface
    noise: Any

    def __init__(self, config: ChipConfig, divisor: int = 0) -> None:
        self.joined = Joined(config, partial(NoisyLink, divisor=divisor))
        byte = stream.Signature(unsigned(8))
        super().__init__({
            "rx": In(byte),
            "tx": Out(byte),
            "noise": Out(wiring.Signature({"i_bytes": In(byte), "o_bytes": Out(byte)})),
        })

    def elaborate(self, platform: Any) -> Module:
        """Put the settings and the counters beside the chips."""
        m = Module()
        m.submodules.joined = joined = self.joined
        connect(m, flipped(self.rx), joined.rx)
        connect(m, joined.tx, flipped(self.tx))

        # The settings come first.
        setting, place, starts = (
            Signal(8 * _SETTING_BYTES),
            Signal(range(_SETTING_BYTES + 1)),
            Signal(),
        )
        set_up, asked = Signal(), Signal()
        m.d.comb += [self.noise.i_bytes.ready.eq(1), set_up.eq(place == _SETTING_BYTES)]
        anew = self.noise.i_bytes.payload == 0
        m.d.comb += asked.eq(self.noise.i_bytes.valid & set_up & ~anew)
        m.d.sync += starts.eq(0)
        with m.If(self.noise.i_bytes.valid & set_up & anew):
            m.d.sync += place.eq(0)
        with m.If(self.noise.i_bytes.valid & ~set_up):
            m.d.sync += [
                setting.eq(Cat(setting[8:], self.noise.i_bytes.payload)),
                place.eq(place + 1),
                starts.eq(place == _SETTING_BYTES - 1),
            ]

        # Links have seeds of their own.
        for number, link in enumerate(joined.links):
            m.d.comb += [
                link.start.eq(starts),
                link.seed.eq(setting[:32] + number * 0x9E3779B1),
                link.rate.eq(setting[32:]),
            ]

        # What happened is told byte by byte.
        report, left = Signal(8 * _REPORT_BYTES), Signal(range(_REPORT_BYTES + 1))
        faults, resent = Signal(16), Signal(16)
        m.d.comb += [
            faults.eq(sum(link.faults for link in joined.links)),
            resent.eq(sum(link.resent for link in joined.links)),
            self.noise.o_bytes.valid.eq(left != 0),
            self.noise.o_bytes.payload.eq(report[:8]),
        ]
        with m.If(asked):
            m.d.sync += [report.eq(Cat(faults, resent)), left.eq(_REPORT_BYTES)]
        with m.Elif(self.noise.o_bytes.valid & self.noise.o_bytes.ready):
            m.d.sync += [report.eq(report[8:]), left.eq(left - 1)]
        return m


class CompiledNoisyTree:
    """Such a tree, compiled.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    divisor : int
        As of :class:`~spikeloom_sim.noisy_link.NoisyLink`.
    """

    def __init__(self, config: ChipConfig, divisor: int = 0) -> None:
        modules = (__file__, noisy_link.__file__, link_noise.__file__)
        sources = [Path(name).read_text() for name in modules]
        key = "\n".join([f"noisy tree {config.hash:016x} {divisor}", *sources])
        self.chip = CompiledChip(kept_verilog(key, lambda: NoisyTree(config, divisor)))

    def begin(self, seed: int, rate: float) -> None:
        """Reset the chips, and set the noise."""
        self.chip.reset()
        self.chip.give(1, _settings(seed, rate))

    def disturb(self, seed: int, rate: float) -> None:
        """Change the noise of a running tree, which was set before."""
        self.chip.give(1, b"\0" + _settings(seed, rate))

    def exchange(
        self, script: bytes, seed: int, rate: float, patience: int
    ) -> tuple[Exchange, Trouble]:
        """Run a script on chips that were reset, with so many faults in a symbol of each line.

        Parameters
        ----------
        script : bytes
            Bytes of the host.
        seed : int
            Seed of the faults, below 2**32.
        rate : float
            Probability of a fault in a symbol.
        patience : int
            As of :meth:`~spikeloom_sim.compiled.CompiledChip.exchange`.

        Returns
        -------
        tuple of Exchange and Trouble
            What the chips answered, and what the links had to bear.
        """
        settings = _settings(seed, rate)
        exchange = self.chip.exchange(script, patience=patience, beside={1: settings})
        self.chip.give(1, b"?")
        self.chip.run(cycles=16)
        report = self.chip.take(1)
        faults, resent = (int.from_bytes(report[k : k + 2], "little") for k in (0, 2))
        return exchange, Trouble(faults, resent)


def _settings(seed: int, rate: float) -> bytes:
    return seed.to_bytes(4, "little") + round(rate * 2**RATE_BITS).to_bytes(3, "little")
