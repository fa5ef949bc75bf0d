"""How many controls, checks and fixes there are, as the documentation publishes it.

`python -m policies.counts` writes the line in `policies/README.md` anew.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from policies.registry import Registry, everything
from policies.resource import CLOUDS

PUBLISHED = Path(__file__).parent / "README.md"
_LINE = re.compile(r"^\d+ controls, .*$", re.MULTILINE)


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


def main() -> None:
    text = PUBLISHED.read_text(encoding="utf-8")
    PUBLISHED.write_text(_LINE.sub(Counts.of(everything()).sentence, text), encoding="utf-8")


if __name__ == "__main__":
    main()
