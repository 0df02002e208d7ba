"""Events in order of time, from the time of the first on."""

from collections.abc import Iterable, Iterator

import numpy as np

__all__ = ["EVENT", "as_events", "in_order"]

EVENT = np.dtype([("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", np.uint8)])
"""An event: microseconds, column, line, and polarity (1 brighter, 0 darker)."""

_COLUMNS = {
    "t": ("t", "ts", "timestamp"),
    "x": ("x",),
    "y": ("y",),
    "p": ("p", "on", "polarity"),
}


def find_columns(names: Iterable[str]) -> dict[str, str] | None:
    """Tell under which names there are time, column, line and polarity; None if one is missing."""
    known = set(names)
    found = {key: next((n for n in those if n in known), None) for key, those in _COLUMNS.items()}
    return (
        {key: name for key, name in found.items() if name is not None}
        if all(found.values())
        else None
    )


def as_events(t: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Make one array of type ``EVENT`` of the columns; a polarity above 0 is 1.

    Raises
    ------
    ValueError
        If a column has no whole numbers, or a pixel lies beyond 0 to 65535.
    """
    for name, column in (("t", t), ("x", x), ("y", y)):
        if column.dtype.kind not in "iu":
            raise ValueError(
                f"Column {name} of the events must hold whole numbers, not {column.dtype}; times "
                f"are in microseconds"
            )
    for name, column in (("x", x), ("y", y)):
        if len(column) and (column.min() < 0 or column.max() > 65535):
            raise ValueError(f"Column {name} of the events must lie between 0 and 65535")
    events = np.empty(len(t), EVENT)
    events["t"], events["x"], events["y"], events["p"] = t, x, y, p > 0
    return events


def in_order(
    chunks: Iterable[np.ndarray], window: int = 0, origin: int | None = None
) -> Iterator[np.ndarray]:
    """Give events sorted by time, whose times begin at ``origin``.

    No more is kept than a chunk and the events of one window.

    Parameters
    ----------
    chunks : iterable of EVENT array
        Events.
    window : int
        Microseconds by which an event may come after later ones.
    origin : int or None
        Time that becomes 0; None for that of the first event.

    Raises
    ------
    ValueError
        If an event is later in the file than the window allows, or lies before the origin.
    """
    kept = np.empty(0, EVENT)
    latest = given = None
    for chunk in chunks:
        if not len(chunk):
            continue
        times = chunk["t"]
        # The latest event before each one.
        peaks = np.maximum.accumulate(times if latest is None else np.append(latest, times))
        peaks = peaks[-len(times) :]
        for k in np.flatnonzero(times < peaks - window)[:1]:
            raise ValueError(
                f"An event of {times[k]} us came after one of {peaks[k]} us, which is more than "
                f"the window of {window} us; sort the file, or open it with a larger window"
            )
        latest = peaks[-1]
        kept = np.concatenate([kept, chunk])
        if window:
            kept = kept[np.argsort(kept["t"], kind="stable")]
        whole = int(np.searchsorted(kept["t"], latest - window, side="left" if window else "right"))
        if whole:
            given, ready = _shift(kept[:whole], origin if given is None else given)
            kept = kept[whole:]
            yield ready
    if len(kept):
        yield _shift(kept, origin if given is None else given)[1]


def _shift(events: np.ndarray, origin: int | None) -> tuple[int, np.ndarray]:
    """Give the origin, and the events from it on."""
    first = int(events["t"][0])
    origin = first if origin is None else origin
    if first < origin:
        raise ValueError(f"An event of {first} us lies before the origin of {origin} us")
    shifted = events.copy()
    shifted["t"] -= origin
    return origin, shifted
