# amaranth: UnusedElaboratable=no
import random
import re
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring

from spikeloom_hw.interchip import LinkParameters, LinkPort, ParallelLine, SerialLine
from spikeloom_sim.bench import collect, drive, simulate

WORD = data.StructLayout({"body": 20, "tag": 3})


def words(count: int) -> list[dict[str, int]]:
    source = random.Random(count)
    return [{"body": source.randrange(1 << 20), "tag": source.randrange(8)} for _ in range(count)]


def plain(payloads: list[Any]) -> list[dict[str, int]]:
    return [{"body": payload.body, "tag": payload.tag} for payload in payloads]


class Joined(wiring.Component):
    """Two ports on a serial line."""

    def __init__(self) -> None:
        self.ports: list[Any] = [LinkPort(WORD, SerialLine(4)) for _ in range(2)]
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.first, m.submodules.second = first, second = self.ports
        m.d.comb += [second.rx_pin.eq(first.tx_pin), first.rx_pin.eq(second.tx_pin)]
        return m


def test_payloads_pass_over_a_serial_line() -> None:
    joined, received = Joined(), []
    first, second = joined.ports
    simulate(joined, drive(first.i, words(6)), collect(second.o, received, 6))
    assert plain(received) == words(6)


@pytest.mark.parametrize(("width", "batch"), [(8, 16), (56, 16), (300, 4), (1900, 1)])
def test_sizes_fit_words_and_line(width: int, batch: int) -> None:
    sizes = LinkParameters.fit(width, byte_cycles=10)
    assert (sizes.batch, sizes.window) == (batch, max(2, 4 * batch))
    assert sizes.timeout > 10 * (2 * sizes.frame_bytes + 64)


def test_words_of_another_width_are_refused() -> None:
    message = "The link has words of 8 bits, but a payload has 23"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LinkPort(WORD, ParallelLine(), LinkParameters(8))
