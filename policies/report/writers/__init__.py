"""One writer a format; each makes the same text from the same report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from policies.report.model import Report


class UnknownFormat(Exception):
    """There is no writer for it; names those there are."""


@dataclass(frozen=True)
class Format:
    """What a format is called, in which file it goes, and who writes it."""

    name: str
    file: str
    module: str

    def write(self, report: Report) -> str:
        """Return the report as text; the writer is imported now, for some need libraries that others do not."""
        writer: Callable[[Report], str] = import_module(f"{__name__}.{self.module}").write
        return writer(report)


FORMATS = {
    one.name: one
    for one in (
        Format("json", "compliance.json", "json_document"),
        Format("html", "compliance.html", "html_page"),
        Format("sarif", "compliance.sarif", "sarif"),
        Format("markdown", "compliance.md", "markdown"),
        Format("csv", "compliance.csv", "rows"),
        Format("junit", "compliance-junit.xml", "junit"),
        Format("oscal", "compliance-oscal.json", "oscal"),
    )
}


def chosen(names: Iterable[str]) -> tuple[Format, ...]:
    """Return the formats of these names, or all of them; raises UnknownFormat."""
    names = tuple(names)
    strangers = [name for name in names if name not in FORMATS]
    if strangers:
        raise UnknownFormat(f"{strangers[0]} is no known format: there are {', '.join(FORMATS)}")
    return tuple(format_ for format_ in FORMATS.values() if not names or format_.name in names)
