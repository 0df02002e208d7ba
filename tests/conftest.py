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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests, so that no core waits for one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Search for cycles of garbage seldom, and never among what lasts to the end.

    Netlists are millions of objects that all live: looking at them again and again takes a third
    of the time of an elaboration.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 4)
