"""How a command speaks: tables for people, one JSON object for machines, an exit code for both."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from spikeloom_hw.yosys import YosysError
from spikeloom_sim.tools import SimulationError

from ..errors import SpikeloomError

__all__ = ["Outcome", "Report", "command"]

# What a user can do something about; anything else is a fault of Spikeloom, with its traceback.
_USER_ERRORS = (SpikeloomError, SimulationError, YosysError, ValueError, OSError)

_NEGATIVE = 1
_WRONG_USE = 2
_INTERRUPTED = 130
_WIDTH_OF_A_PIPE = 120


@dataclass(frozen=True)
class Outcome:
    """Result of a command.

    Parameters
    ----------
    values : dict or None
        What ``--json`` prints, fit for JSON; None if it was announced before.
    fine : bool
        Whether the answer is the one hoped for; the exit code is 0 if so and 1 if not.
    """

    values: dict[str, Any] | None
    fine: bool = True


class Report:
    """Speaks to people, unless ``--json`` asks for silence.

    Parameters
    ----------
    as_json : bool
        Whether machines listen: nothing is printed but the object at the end.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._out = Console(
            highlight=False,
            markup=False,
            emoji=False,
            quiet=as_json,
            width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE,
        )
        self._progress = Console(stderr=True, highlight=False)
        self._silent = as_json or not sys.stderr.isatty()

    def say(self, text: str = "") -> None:
        """Print one line."""
        self._out.print(text, soft_wrap=True)

    def announce(self, values: dict[str, Any]) -> None:
        """Print the object for machines, if they listen."""
        if self.as_json:
            click.echo(json.dumps(values, indent=1, default=_to_json))
            sys.stdout.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table; a column without text is aligned to the right, None shows as nothing."""
        if title:
            self.say(title)
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for number, name in enumerate(columns):
            numeric = all(isinstance(row[number], int | float | None) for row in rows)
            table.add_column(name, justify="right" if numeric else "left")
        for row in rows:
            table.add_row(*(_plain(entry) for entry in row))
        self._out.print(table)
        self.say()

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar on standard error; the function given takes what is done, and of how much."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=self._progress, transient=True, disable=self._silent)
        with bar:
            task = bar.add_task(label, total=None)

            def update(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            yield update

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        """Show on standard error that something takes its time."""
        if self._silent:
            yield
            return
        with self._progress.status(label):
            yield


def command(function: Callable[..., Outcome]) -> Callable[..., None]:
    """Give a command ``--json``, its exit code, and one sentence for each error of a user.

    The environment variable SPIKELOOM_TRACEBACK, if set, lets errors through with their traceback.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
    @functools.wraps(function)
    def run(as_json: bool, **arguments: Any) -> None:
        report = Report(as_json)
        try:
            outcome = function(report, **arguments)
            if outcome.values is not None:
                report.announce(outcome.values)
            sys.exit(0 if outcome.fine else _NEGATIVE)
        except BrokenPipeError:
            raise
        except _USER_ERRORS as error:
            if "SPIKELOOM_TRACEBACK" in os.environ:
                raise
            _fail(_sentence(error), as_json)
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            sys.exit(_INTERRUPTED)

    return run


def _fail(sentence: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": sentence}))
    click.echo(f"Error: {sentence}", err=True)
    sys.exit(_WRONG_USE)


def _sentence(error: Exception) -> str:
    """Say an error in one line."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fspath(error.filename)}: {error.strerror.lower()}"
    return " ".join(str(error).split()) or type(error).__name__


def _plain(entry: Any) -> str:
    if entry is None:
        return ""
    if isinstance(entry, float):
        return f"{entry:,.1f}"
    return f"{entry:,}" if isinstance(entry, int) else str(entry)


def _to_json(value: Any) -> Any:
    """Bring what NumPy and pathlib give into the form of JSON."""
    return value.item() if hasattr(value, "item") else os.fspath(value)
