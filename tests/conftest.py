"""What holds for every test."""

import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a board where SPIKELOOM_BOARD names none."""
    if "SPIKELOOM_BOARD" in os.environ:
        return
    needs_board = [item for item in items if item.get_closest_marker("board")]
    if needs_board:
        config.hook.pytest_deselected(items=needs_board)
        items[:] = [item for item in items if item not in needs_board]
