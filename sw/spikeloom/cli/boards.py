"""``spikeloom boards``: what can be built for, and what each can hold."""

from typing import Any

import click

from spikeloom_boards.board import Board
from spikeloom_boards.catalogue import BOARDS

from .report import Outcome, Report, command

__all__ = ["boards"]

_COLUMNS = (
    "board",
    "device",
    "MHz",
    "L/U",
    "neurons",
    "synapses, 8 bits",
    "4 bits",
    "KiB",
    "link",
    "programmer",
)


@click.command()
@command
def boards(report: Report) -> Outcome:
    """List the boards, and what each can hold.

    Neurons and synapses are the most of each; a network takes both, and tables beside them:
    ``spikeloom check`` tells whether it fits.
    """
    listed = [_describe(board) for board in BOARDS.values()]
    rows = [
        (
            entry["name"],
            entry["device"],
            f"{entry['frequency'] / 1e6:g}",
            f"{entry['lanes']}/{entry['update_lanes']}",
            entry["neurons"],
            entry["synapses_8_bits"],
            entry["synapses_4_bits"],
            entry["memory_bits"] // 8192,
            f"{entry['link']}, {entry['baud'] / 1e6:g} Mbaud",
            entry["programmer"][-1],
        )
        for entry in listed
    ]
    report.table("", _COLUMNS, rows)
    return Outcome({"boards": listed})


def _describe(board: Board) -> dict[str, Any]:
    own = board.programmer.own
    return {
        "name": board.name,
        "summary": board.summary,
        "device": board.device.part,
        "family": board.device.family.value,
        "frequency": board.frequency,
        "lanes": board.target.lanes,
        "update_lanes": board.target.update_lanes,
        "neurons": board.neurons,
        "synapses_8_bits": board.synapses(8),
        "synapses_4_bits": board.synapses(4),
        "memory_bits": board.device.memory_bits,
        "resources": board.device.resources,
        "link": board.link.through,
        "baud": board.link.baud,
        "usb": [str(identity) for identity in board.usb],
        "programmer": ["openFPGALoader", *own[:1]],
    }
