"""How the chip link does on clean and on bad lines: efficiency, latency, and that no word is wrong.

Two ends and noisy wires with a delay of four cycles, compiled from their Verilog; the cases below
are measured on two cores in two minutes.
"""

from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from spikeloom_hw.interchip.frame import word_bytes
from spikeloom_hw.interchip.link import LinkParameters
from spikeloom_sim.link_compiled import CompiledTrial
from spikeloom_sim.link_task import Outcome, Task


@dataclass(frozen=True)
class Form:
    """A physical form of the link.

    Parameters
    ----------
    name : str
        What it is.
    parameters : LinkParameters
        The link.
    divisor : int
        Cycles in a bit of a serial line; 0 for a parallel one.
    words : int
        Words of a run, in each direction.
    """

    name: str
    parameters: LinkParameters
    divisor: int
    words: int

    @property
    def byte_cycles(self) -> int:
        """Cycles that a byte takes on the line."""
        return 10 * self.divisor or 1

    def symbol_rate(self, rate: float) -> float:
        """Faults in a symbol, of those in a byte."""
        return rate / 10 if self.divisor else rate

    def share(self, outcome: Outcome) -> float:
        """Bytes of words that one direction got, of what its line could carry."""
        count = sum(outcome.delivered) / 2 * word_bytes(self.parameters.width)
        return count * self.byte_cycles / outcome.cycles


FORMS = (
    Form("parallel, 8 lines", LinkParameters(56), 0, 500),
    Form("serial, 4 cycles a bit", LinkParameters(56, 32, 8, 16_000), 4, 50),
)
RATES = (0.0, 1e-4, 1e-3, 1e-2)


def latencies(trial: CompiledTrial) -> list[int]:
    """Cycles that a word takes on a clean line with little else on it, sorted, of 20 words."""
    # A source that rests in 250 of 256 times of a byte offers a word in 43, on the average.
    tasks = [Task(seed, 0.0, 20, pause_in=250) for seed in range(1, 21)]
    return sorted(trial.run(task).latency for task in tasks)


@click.command()
@click.option("--runs", default=130, show_default=True, help="Seeds for each form and rate.")
def main(runs: int) -> None:
    """Print the table."""
    console = Console(width=120)
    console.print(
        f"Words of 56 bits, both directions at once; {runs} seeds a row; rate: faults in a byte "
        "(a wire is inverted for a byte or a bit).\nTwo thirds of the runs have sources and sinks "
        "that rest at random. Share: bytes of words, of what the line could carry, runs without "
        "rests."
    )
    table = Table("form", "rate", "runs", "faults", "complete", "gave up", "wrong", "share", "goal")
    for column in table.columns[1:]:
        column.justify = "right"
    for form in FORMS:
        trial = CompiledTrial(form.parameters, form.divisor)
        took = latencies(trial)
        console.print(
            f"{form.name}: window {form.parameters.window}, batch {form.parameters.batch}, frames "
            f"of up to {form.parameters.frame_bytes} bytes; a word in some 40 bytes' time "
            f"takes {took[0]} to {took[-1]} cycles, median {took[len(took) // 2]}"
        )
        for rate in RATES:
            table.add_row(*row_of(trial, form, rate, runs))
    console.print(table)


def row_of(trial: CompiledTrial, form: Form, rate: float, runs: int) -> list[str]:
    """Run all seeds of a case."""
    outcomes = []
    for seed in range(1, runs + 1):
        pauses = (seed % 3 * 60, seed % 3 * 50)
        task = Task(seed, form.symbol_rate(rate), form.words, *pauses)
        outcomes.append((trial.run(task, cycles=500_000_000), any(pauses)))
    steady = [form.share(o) for o, rests in outcomes if o.complete and not rests]
    wrong = sum(outcome.wrong for outcome, _ in outcomes)
    if any(not (o.complete or o.errors) for o, _ in outcomes):
        raise SystemExit("A run ended without all words and without an error")
    return [
        form.name,
        f"{rate:g}",
        str(runs),
        f"{sum(outcome.faults for outcome, _ in outcomes):,}",
        str(sum(outcome.complete for outcome, _ in outcomes)),
        str(sum(outcome.errors > 0 for outcome, _ in outcomes)),
        str(wrong),
        f"{sum(steady) / len(steady):.3f}" if steady else "-",
        "missed" if wrong else "met",
    ]


if __name__ == "__main__":
    main()
