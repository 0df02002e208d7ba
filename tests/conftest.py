"""What holds for every test."""

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
