"""What was compiled once: folders that are built whole, kept, and found again by what went in."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["cache_folder", "cached"]

_KEPT = 100
"""Folders that are kept; of any more, those not used for the longest go."""

_SAFE = 3600.0
"""Seconds after its last use before a folder may go, since a process may still read it."""


def cache_folder() -> Path:
    """Folder of all that is kept, ``$XDG_CACHE_HOME/spikeloom``; it may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "spikeloom"


def cached(kind: str, parts: Iterable[str | bytes], build: Callable[[Path], None]) -> Path:
    """Give the folder that ``build`` fills, building it only if no process has done so before.

    Parameters
    ----------
    kind : str
        What is built, for people who look into the cache.
    parts : iterable of str or bytes
        All that the result depends on.
    build : callable
        Fills an empty folder. Processes that build the same at the same time do not disturb each
        other: the first one that is done counts.

    Returns
    -------
    Path
        The folder; nothing in it may be changed.
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little") + content)
    place = cache_folder() / f"{kind}-{digest.hexdigest()[:32]}"
    if place.is_dir():
        os.utime(place)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    _drop_unused(place.parent)
    partial = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=place.parent))
    try:
        build(partial)
        try:
            os.rename(partial, place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _drop_unused(folder: Path) -> None:
    """Keep the cache from growing without end."""
    places = []
    for place in folder.iterdir():
        # Another process may have moved or removed it just now.
        with suppress(FileNotFoundError):
            places.append((place.stat().st_mtime, place))
    for used, place in sorted(places)[: max(0, len(places) - _KEPT)]:
        if time.time() - used > _SAFE:
            shutil.rmtree(place, ignore_errors=True)
