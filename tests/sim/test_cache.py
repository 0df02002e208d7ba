import os
from pathlib import Path

import pytest

from spikeloom_sim import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def fill(folder: Path) -> None:
    (folder / "made").write_text("whole")


def test_what_was_built_is_found_again() -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        fill(folder)

    first = cache.cached("thing", ["a", b"b"], build)
    again = cache.cached("thing", ["a", b"b"], build)
    other = cache.cached("thing", ["ab", b""], build)
    assert first == again != other
    assert len(built) == 2
    assert (first / "made").read_text() == "whole"


def test_a_build_that_fails_leaves_nothing() -> None:
    def build(folder: Path) -> None:
        fill(folder)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="^broken$"):
        cache.cached("thing", [], build)
    assert list(cache.cache_folder().iterdir()) == []


def test_what_was_not_used_for_long_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_KEPT", 2)
    places = [cache.cached("thing", [str(k)], fill) for k in range(3)]
    for age, place in enumerate(places):
        os.utime(place, (10_000 + age, 10_000 + age))
    cache.cached("thing", ["1"], fill)
    newest = cache.cached("thing", ["new"], fill)
    left = set(cache.cache_folder().iterdir())
    assert places[0] not in left
    assert {places[1], places[2], newest} <= left
