"""The code in the guide and in the README runs, so that no page goes stale."""

import doctest
import runpy
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").rglob("*.md"))]


def fences(page: Path, *languages: str) -> list[tuple[int, str]]:
    tokens = MarkdownIt().parse(page.read_text())
    wanted = languages or ("python", "pycon")
    found = [t for t in tokens if t.type == "fence" and t.info.strip() in wanted]
    return [(t.map[0] + 1 if t.map else 0, t.content) for t in found]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p in PAGES if fences(p)], ids=name)
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # One script with the blocks on the lines that they have on the page: tracebacks point there.
    lines: list[str] = []
    for line, content in fences(page, "python"):
        lines += [""] * (line - len(lines)) + content.splitlines()
    script = tmp_path / f"{page.stem}.py"
    script.write_text("\n".join(lines) + "\n")
    names = runpy.run_path(str(script), run_name="__main__")

    # Sessions know the names of the blocks, and print what the page shows.
    text = "\n".join(content for _, content in fences(page, "pycon"))
    session = doctest.DocTestParser().get_doctest(text, names, name(page), str(page), 0)
    assert doctest.DocTestRunner().run(session).failed == 0


def test_the_readme_shows_python_that_runs() -> None:
    assert fences(ROOT / "README.md", "python")
