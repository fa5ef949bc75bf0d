"""Links and paths in the documentation lead to files that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "policies/README.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
    ]
)
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")
FOLDERS = "app|cli|components|docs|localcloud|policies|requirements|stacks|tests|tools"
PATH = re.compile(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]*\w/?)(?![\w*<{{-]|\.<)")


def missing(page: Path) -> list[str]:
    """Return the links and repository paths of a page that lead nowhere."""
    text = re.sub(r"```mermaid.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    paths = [path for path in PATH.findall(text) if not (ROOT / path).exists() and not _is_elsewhere(text, path)]
    return sorted({*links, *paths})


def _is_elsewhere(text: str, path: str) -> bool:
    """Return whether the path is relative to another folder, such as a clone of this project."""
    return any(f"{prefix}{path}" in text for prefix in ("fortress/", "../", "build/"))


def test_there_are_pages_with_links_and_paths() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(LINK.findall(text)) > 50
    assert len(PATH.findall(text)) > 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    assert missing(page) == []


def test_readme_names_where_to_change_what() -> None:
    """Each row of the table that names a definition names the file that has it."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("| to change | edit |")[1].split("\n\n")[0]
    rows = re.findall(r"`(\w+)`[^|;`]* in `([\w/]+\.py)`", table)
    assert len(rows) == 3
    for name, path in rows:
        assert re.search(rf"^(class |def |)\b{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), path


def test_the_architecture_page_has_the_layers_of_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    assert layered
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for contract in layered:
        [package] = contract["containers"]
        layers = "; ".join(", ".join(re.findall(r"\w+", layer)) for layer in contract["layers"])
        row = f"| `{package}` | {layers} |"
        assert row in page, f"docs/architecture.md lacks the row {row}"
