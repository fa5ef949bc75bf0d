"""The pages that are written from the registry: controls by clouds, a page a framework, the short table of README.

`python -m policies.docs` writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.control import Check, Control, Theme
from policies.frameworks import FRAMEWORKS, framework
from policies.frameworks.framework import Framework, Requirement
from policies.registry import Registry, everything
from policies.resource import CLOUDS, Cloud

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "docs" / "compliance"
README = CHECKOUT / "README.md"
CONTROLS = "controls.md"
PUBLISHED = CHECKOUT / "policies" / "README.md"
_LINE = re.compile(r"^\d+ controls, .*$", re.MULTILINE)
MARKED = re.compile(r"(?<=<!-- policies\.docs: begin -->\n).*?(?=<!-- policies\.docs: end -->)", re.DOTALL)
"""What README leaves to this module."""
COLUMNS: dict[Cloud, str] = {
    "aws": "AWS",
    "azure": "Azure",
    "gcp": "Google Cloud",
    "kubernetes": "Kubernetes",
    "any": "the stack",
}
WRITTEN = "<!-- Written by `python -m policies.docs`: change the controls, not this page. -->"


@dataclass(frozen=True)
class Counts:
    """Checks and fixes are counted per control and cloud; a fix that could replace a resource is not counted."""

    controls: int
    checks: int
    by_cloud: dict[str, int]
    fixes: int

    @classmethod
    def of(cls, registry: Registry) -> Counts:
        clouds = Counter(id_.partition("/")[2] for id_ in registry.ids)
        return cls(
            controls=len(registry.controls),
            checks=len(registry),
            by_cloud={cloud: clouds[cloud] for cloud in CLOUDS if clouds[cloud]},
            fixes=len(registry.fixable_ids),
        )

    @property
    def sentence(self) -> str:
        """Return the published line."""
        clouds = ", ".join(f"{cloud} {count}" for cloud, count in self.by_cloud.items())
        return f"{self.controls} controls, {self.checks} checks ({clouds}), {self.fixes} fixes that replace nothing."


def find_published(text: str) -> str | None:
    """The line as a document has it."""
    found = _LINE.search(text)
    return found.group() if found else None


def pages(registry: Registry) -> dict[Path, str]:
    """Every page that is wholly written, by its place."""
    written = {FOLDER / f"{id_}.md": _framework_page(framework(id_), registry) for id_ in FRAMEWORKS}
    return {FOLDER / CONTROLS: _controls_page(registry), **written}


def readme(text: str, registry: Registry) -> str:
    """README with its table as it must be."""
    return MARKED.sub(lambda _: f"\n{_short_table(registry)}\n\n", text)


def _short_table(registry: Registry) -> str:
    """Themes by clouds, in counts of checks."""
    rows = []
    for theme in _themes(registry):
        checks = registry.select(theme=theme.id)
        clouds = Counter(id_.partition("/")[2] for id_ in checks.ids)
        counts = [str(clouds[cloud] or "") for cloud in CLOUDS]
        rows.append((theme.title, str(len(checks.controls)), *counts, str(len(checks.fixable_ids))))
    head = ("theme", "controls", *(COLUMNS[cloud] for cloud in CLOUDS), "with a fix")
    return "\n".join((Counts.of(registry).sentence, "", *_table(head, rows, numbers=True)))


def _controls_page(registry: Registry) -> str:
    parts = [
        WRITTEN,
        "# Controls by clouds",
        Counts.of(registry).sentence
        + " A *check* is one control in one cloud; *check, fix* means that the engine can also set it right without"
        " replacing anything (`remediate`). An empty cell means that the cloud has nothing of the kind, or does it by"
        " itself. What each control reads, and what to do, a report shows (`compliance.html`).",
        *(f"## {theme.title}\n\n{_theme_table(registry, theme)}" for theme in _themes(registry)),
    ]
    return "\n\n".join(parts) + "\n"


def _theme_table(registry: Registry, theme: Theme) -> str:
    head = ("control", "what must hold", "severity", *(COLUMNS[cloud] for cloud in CLOUDS), "evidence for")
    controls = [control for control in registry.controls if control.theme == theme]
    rows = [
        (
            f'<a id="{control.id.lower()}"></a>{control.id}',
            control.title,
            control.severity.value,
            *_cells(registry.of(control)),
            _maps(control),
        )
        for control in controls
    ]
    return "\n".join(_table(head, rows))


def _cells(checks: Sequence[Check]) -> Iterator[str]:
    for cloud in CLOUDS:
        of_it = [check for check in checks if check.cloud == cloud]
        fixes = any(not remedy.replaces for check in of_it for remedy in check.remedies)
        yield ("check, fix" if fixes else "check") if of_it else ""


def _maps(control: Control) -> str:
    known = ((framework(id_).name, ids) for id_, ids in control.maps.items() if ids)
    return "; ".join(f"{name} {', '.join(ids)}" for name, ids in known)


def _framework_page(of: Framework, registry: Registry) -> str:
    requirements = of.requirements
    counted = Counter(_kind(requirement) for requirement in requirements.values())
    told = ", ".join(f"{counted[kind]} {kind}" for kind in ("automated", "organisational", "not assessed"))
    behind = _behind(of, registry.controls)
    rows = [
        (id_, one.title, _kind(one), ", ".join(map(_link, behind.get(id_, []))) or one.reason)
        for id_, one in requirements.items()
    ]
    parts = [
        WRITTEN,
        f"# {of.name}",
        f"{of.edition}. {len(requirements)} {of.unit}: {told}. Titles are our own words, not the framework's text.",
        "*Automated* means that the named controls give evidence, not that the requirement is fulfilled by them alone."
        " *Organisational* ones are fulfilled by people and procedures; what would show it is said. *Not assessed* ones"
        f" technology could show, but no resource that is checked does. The controls are in [{CONTROLS}]({CONTROLS}),"
        f" the pack that holds them alone is `policies/{of.id}`.",
        "\n".join(_table((of.unit, "in short", "status", "controls, or why there are none"), rows)),
    ]
    return "\n\n".join(parts) + "\n"


def _kind(requirement: Requirement) -> str:
    return "automated" if requirement.automated else "organisational" if requirement.organisational else "not assessed"


def _behind(of: Framework, controls: Iterable[Control]) -> dict[str, list[Control]]:
    """Return the controls of each requirement, also those that name a part of it."""
    found: dict[str, list[Control]] = {}
    for control in controls:
        for id_ in dict.fromkeys(of.requirement_of(id_) for id_ in control.maps.get(of.id, ())):
            if id_ is not None:
                found.setdefault(id_, []).append(control)
    return found


def _link(control: Control) -> str:
    return f"[{control.id}]({CONTROLS}#{control.id.lower()})"


def _themes(registry: Registry) -> list[Theme]:
    return sorted({control.theme for control in registry.controls}, key=lambda theme: theme.title)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> Iterator[str]:
    """Lines of a Markdown table; with `numbers` all columns but the first stand to the right."""
    yield _row(head)
    yield "|" + "|".join(["---", *(("---:" if numbers else "---") for _ in head[1:])]) + "|"
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages(everything()).items():
        path.write_text(text, encoding="utf-8")
    PUBLISHED.write_text(
        _LINE.sub(Counts.of(everything()).sentence, PUBLISHED.read_text(encoding="utf-8")), encoding="utf-8"
    )
    README.write_text(readme(README.read_text(encoding="utf-8"), everything()), encoding="utf-8")


if __name__ == "__main__":
    main()
