"""Chips joined by links with noisy wires, in one simulation: how often they are wrong is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.tree.joined import Joined
from spikeloom_hw.tree.words import link_layout

from . import link_noise, noisy_link
from .compiled import CompiledChip, kept_verilog
from .link_noise import RATE_BITS
from .noisy_link import NoisyLink, link_sizes

__all__ = ["CompiledNoisyTree", "Noise", "NoisyTree", "Trouble"]

_SETTING_BYTES = 7
_REPORT_BYTES = 12
_BATCH, _QUIET = 16_384, 2000  # cycles between looks at the links, if bytes move and if not
_WORK = 20_000  # cycles that chips may be busy without a word to another one


@dataclass(frozen=True)
class Noise:
    """How the wires are wrong.

    Parameters
    ----------
    seed : int
        Seed of the faults, below 2**32.
    rate : float
        Probability of a fault in a symbol of each line.
    clean : int
        Bytes of the host that go in before the first fault.
    """

    seed: int
    rate: float
    clean: int = 0

    def encode(self) -> bytes:
        """Bytes for the side door of a :class:`NoisyTree`."""
        rate = round(self.rate * 2**RATE_BITS)
        return self.seed.to_bytes(4, "little") + rate.to_bytes(3, "little")


@dataclass(frozen=True)
class Trouble:
    """What the links had to bear.

    Parameters
    ----------
    faults : int
        Symbols in which a wire was inverted.
    resent : int
        Times that an end went back to send words again.
    words : int
        Words that came, on all links in both directions.
    """

    faults: int
    resent: int
    words: int


class NoisyTree(wiring.Component):
    """All chips of a tree, and a side door for the noise.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    divisors : sequence of int
        For each link, as of :class:`~spikeloom_sim.noisy_link.NoisyLink`.

    Members
    -------
    rx, tx : In, Out(stream.Signature(unsigned(8)))
        Bytes of the host.
    noise : Out(signature of two streams)
        In go seed and rate, seven bytes; a zero byte comes before other ones. For any other byte
        out come faults, times that words were sent again, and words, four bytes each.
    """

    rx: stream.Interface
    tx: stream.Interface
    noise: Any

    def __init__(self, config: ChipConfig, divisors: Sequence[int]) -> None:
        each = iter(divisors)
        self.joined = Joined(config, lambda word: NoisyLink(word, next(each)))
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
        totals = [Signal(32, name=name) for name in ("faults", "resent", "words")]
        m.d.comb += [
            total.eq(sum(getattr(link, total.name) for link in joined.links)) for total in totals
        ]
        m.d.comb += [
            self.noise.o_bytes.valid.eq(left != 0),
            self.noise.o_bytes.payload.eq(report[:8]),
        ]
        with m.If(asked):
            m.d.sync += [report.eq(Cat(totals)), left.eq(_REPORT_BYTES)]
        with m.Elif(self.noise.o_bytes.valid & self.noise.o_bytes.ready):
            m.d.sync += [report.eq(report[8:]), left.eq(left - 1)]
        return m


class CompiledNoisyTree:
    """Such a tree, compiled.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    divisors : sequence of int
        As of :class:`NoisyTree`.

    Attributes
    ----------
    patience : int
        Cycles without a word on any link after which one of them has given up, and the root knows,
        unless there is nothing to send.
    """

    def __init__(self, config: ChipConfig, divisors: Sequence[int]) -> None:
        modules = (__file__, noisy_link.__file__, link_noise.__file__)
        sources = [Path(name).read_text() for name in modules]
        key = "\n".join([f"noisy tree {config.hash:016x} {tuple(divisors)}", *sources])
        word = link_layout(config)
        self.patience = sum(link_sizes(word, divisor).patience for divisor in divisors)
        self.chip = CompiledChip(kept_verilog(key, lambda: NoisyTree(config, divisors)))

    def begin(self, noise: Noise) -> None:
        """Reset the chips, and set the noise."""
        self.chip.reset()
        self.chip.give(1, noise.encode())

    def disturb(self, noise: Noise) -> None:
        """Change the noise of a running tree, which was set before; what was counted is zeroed."""
        self.chip.give(1, b"\0" + noise.encode())

    def exchange(
        self, script: bytes, noise: Noise, over: Callable[[bytes], bool], limit: int
    ) -> tuple[bytes, Trouble]:
        """Run a script on chips that were reset, until all has come or a link gave up.

        Parameters
        ----------
        script : bytes
            Bytes of the host.
        noise : Noise
            How the wires are wrong.
        over : callable
            Tells by the bytes of the root whether there is nothing to wait for.
        limit : int
            Cycles after which the run is left as it is.

        Returns
        -------
        tuple of bytes and Trouble
            What the root answered, and what the links had to bear.

        Raises
        ------
        TimeoutError
            If no word crossed a link for as long as the links have patience, nor any byte to or
            from the host, and still it is not over: a link should have given up.
        """
        clean, script = script[: noise.clean], script[noise.clean :]
        self.begin(Noise(noise.seed, 0.0))
        output = bytearray()
        while clean:
            received, taken = self._run(clean)
            output, clean = output + received, clean[taken:]
        self.disturb(noise)
        moved, before, asked = self.chip.cycles, 0, False
        while True:
            received, taken = self._run(script)
            seen, more = self._trouble()
            received, script = received + more, script[taken:]
            output += received
            if received or taken or seen.words != before:
                moved, before = self.chip.cycles, seen.words
            done = not script and (received or not asked) and over(bytes(output))
            asked = not script
            if done or self.chip.cycles > limit:
                return bytes(output), seen
            if self.chip.cycles - moved > self.patience + _WORK:
                raise TimeoutError(f"Nothing moves after {self.chip.cycles} cycles: {noise}")

    def _trouble(self) -> tuple[Trouble, bytes]:
        """Tell what the links had to bear since the noise was set, and what the root said then."""
        self.chip.give(1, b"?")
        output, _ = self.chip.run(cycles=2 * _REPORT_BYTES)
        report = self.chip.take(1)
        return Trouble(*(int.from_bytes(report[k : k + 4], "little") for k in (0, 4, 8))), output

    def _run(self, data: bytes) -> tuple[bytes, int]:
        """Run for some time, or until it is quiet."""
        return self.chip.run(data, cycles=_BATCH, quiet=_QUIET)
