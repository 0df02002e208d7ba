"""Chips on links with faults: golden's spikes or LINK_ERR; and what links cost in cycles.

Random networks, cut at random over two or more chips, in the emitted Verilog; the wires have a
delay of four cycles. Rates are faults in a byte. A fault inverts a wire for a byte of the parallel
form, for a bit of the serial one, and half of the faults of the parallel form are at the strobe, so
that bytes are lost and frames cut. On serial lines, and at more than one fault in 100 bytes, the
program is loaded before the first fault, as it takes long.
"""

import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Golden, Program, compile
from spikeloom.errors import DeviceError, LinkError
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.host.frame import FrameReader, FrameType
from spikeloom_hw.tree.joined import Joined
from spikeloom_sim.compiled import CompiledChip, kept_verilog
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.noisy_tree import CompiledNoisyTree, Noise, Trouble
from spikeloom_sim.random_network import random_case

STEPS = 8
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=16,
    weight_rows=2048,
    neuron_rows=64,
    populations=4,
    projections=16,
    sources=8,
    phases=8,
)
RATES = (1e-4, 1e-3, 1e-2, 4e-2, 0.3)
LIMIT = 3_000_000  # cycles after which a run is left as it is
TREES = {"two": (0,), "three in a chain": (0, 1), "a root with two leaves": (0, 0)}
# Cycles in a bit, 0 for parallel lines.
FORMS = {"parallel, 8 lines": 0, "serial, 4 cycles a bit": 4}
ROWS = [(form, tree) for tree in TREES for form in FORMS]
ENDS = ("exact", "LINK_ERR", "wrong", "slow")


@dataclass(frozen=True)
class Case:
    """A network on one chip, and what it makes of its input.

    Parameters
    ----------
    program : Program
        For one chip.
    sample : dict of str to (steps, neurons) array
        Input.
    golden : Recording
        What the golden model makes of it.
    """

    program: Program
    sample: dict[str, Any]
    golden: Any

    def outcome(self, cut: Program, output: bytes) -> str:
        """Tell what came of a run."""
        try:
            recording = read_run(cut, output, STEPS)
        except DeviceError:
            return "LINK_ERR"
        except LinkError:
            return "slow"
        return "wrong" if self.golden.difference(recording) else "exact"

    def cycles(self, program: Program, output: bytes) -> float:
        """Cycles of a step, where nothing may go wrong."""
        recording = read_run(program, output, STEPS)
        if self.golden.difference(recording):
            raise SystemExit("The spikes are not those of the golden model")
        return recording.counters["cycles"] / STEPS


def cases(amount: int) -> list[Case]:
    """Draw networks, of which every population fires."""

    def drawn() -> Any:
        for seed in count(1):
            case = random_case(seed, CORE, steps=STEPS, largest=32)
            golden = Golden(case.network).run(case.spikes)
            if all(np.any(array) for array in golden.spikes.values()):
                sample = {name: array[:, 0] for name, array in case.spikes.items()}
                yield Case(compile(case.network, ChipConfig(CORE)), sample, golden)

    return list(islice(drawn(), amount))


def loading(script: bytes) -> int:
    """Count the bytes of a script that come before its first event."""
    sizes = [(frame.type, len(frame.encode())) for frame in FrameReader().feed(script)]
    first = next(k for k, (kind, _) in enumerate(sizes) if kind == FrameType.EVENTS)
    return sum(size for _, size in sizes[:first])


class Trial:
    """A tree of chips on noisy links of one form.

    Parameters
    ----------
    name, form : str
        Which tree of :data:`TREES`, and which form of :data:`FORMS`.
    drawn : list of Case
        What to run.
    """

    def __init__(self, name: str, form: str, drawn: list[Case]) -> None:
        self.parents, self.divisor, self.drawn = TREES[name], FORMS[form], drawn
        config = cut_over_chips(drawn[0].program, 1, self.parents, 0).config
        self.tree = CompiledNoisyTree(config, [self.divisor] * len(self.parents))

    def run(self, number: int, rate: float) -> tuple[Case, Program, bytes, Trouble]:
        """Make a run; give what it was, and what came of it."""
        case = self.drawn[number % len(self.drawn)]
        cut = cut_over_chips(case.program, 1, self.parents, number)
        script = script_of(cut, case.sample)
        clean = loading(script) if self.divisor or rate > 1e-2 else 0
        noise = Noise(number + 1, rate / 10 if self.divisor else rate, clean)
        output, trouble = self.tree.exchange(script, noise, partial(is_over, case, cut), LIMIT)
        return case, cut, output, trouble

    def step(self) -> list[float]:
        """Cycles of a step of each network, on clean wires."""
        runs = (self.run(number, 0.0) for number in range(len(self.drawn)))
        return [case.cycles(cut, output) for case, cut, output, _ in runs]

    def row(self, rate: float, runs: int) -> list[str]:
        """What came of so many runs with faults."""
        seen, faults, resent, longest = Counter(), 0, 0, 0
        for number in range(runs):
            case, cut, output, trouble = self.run(number, rate)
            seen[case.outcome(cut, output)] += 1
            faults, resent = faults + trouble.faults, resent + trouble.resent
            longest = max(longest, self.tree.chip.cycles)
        if seen["wrong"]:
            raise SystemExit("The spikes are not those of the golden model")
        return [
            *(f"{rate:g}", str(runs), f"{faults:,}", f"{resent:,}"),
            *(str(seen[end]) for end in ENDS),
            f"{longest:,}",
        ]


def is_over(case: Case, cut: Program, output: bytes) -> bool:
    """Tell whether a run has come to an end."""
    return case.outcome(cut, output) != "slow"


def steps_without_links(drawn: list[Case]) -> dict[str, list[float]]:
    """Cycles of a step on one chip, and on two chips joined by registers."""
    costs: dict[str, list[float]] = {"one": [], "two, joined by registers": []}
    config = cut_over_chips(drawn[0].program, 1, (0,), 0).config
    one = CompiledChip(ChipConfig(CORE))
    joined = CompiledChip(kept_verilog(f"{config.hash:016x}", lambda: Joined(config)))
    for number, case in enumerate(drawn):
        cut = cut_over_chips(case.program, 1, (0,), number)
        both = (one, case.program), (joined, cut)
        for cost, (chip, program) in zip(costs.values(), both, strict=True):
            exchange = chip.exchange(script_of(program, case.sample), patience=20_000)
            cost.append(case.cycles(program, exchange.output))
    return costs


@click.command()
@click.option(
    "--runs", default=12, show_default=True, help="Runs for each row; a quarter of it if serial."
)
def main(runs: int) -> None:
    """Print the tables."""
    console, drawn = Console(width=140), cases(6)
    costs = steps_without_links(drawn)
    table = Table(*(
        "links",
        "chips",
        "rate",
        "runs",
        "faults",
        "sent again",
        *ENDS,
        "longest run, cycles",
    ))
    for form, name in ROWS:
        trial = Trial(name, form, drawn)
        costs[f"{name}, {form}"] = trial.step()
        for rate in RATES:
            row = [form, name, *trial.row(rate, -(-runs // 4) if FORMS[form] else runs)]
            console.print(*row, sep=" | ")
            table.add_row(*row)
    console.print(table)
    table = Table("chips", "cycles a step", "more than one chip")
    for name, cost in costs.items():
        mean, more = np.mean(cost), np.mean(np.subtract(cost, costs["one"]))
        table.add_row(name, f"{mean:,.0f}", f"{more:,.0f}")
    console.print(table)
    console.print(
        f"{len(drawn)} random networks of up to 32 neurons a population, {STEPS} steps; "
        f"{time.process_time():.0f} seconds of this process"
    )


if __name__ == "__main__":
    main()
