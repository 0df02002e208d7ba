"""What holds for every test."""

import gc
import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests marked ``board`` know where the board is."""
    parser.addoption(
        "--url",
        help="link to a board with the demo network, like serial:auto or serial:///dev/ttyUSB1; "
        "with it, the tests marked 'board' run",
    )


def pytest_collection_finish() -> None:
    """Search for cycles of garbage seldom, and never among what lasts to the end.

    Netlists are millions of objects that all live: looking at them again and again takes a third
    of the time of an elaboration.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
