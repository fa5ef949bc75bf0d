"""One HTML page with everything in it: no script, no network, light and dark, for screen and print."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from policies.report.model import ControlEntry, Report, ResourceEntry, VerdictEntry
from policies.report.writers.charts import WIDTH, charts
from policies.verdicts import Status

TEMPLATES = Path(__file__).with_name("templates")
WORST_FIRST = (
    Status.FAIL,
    Status.NOT_DETERMINABLE,
    Status.EXEMPT,
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.NOT_ASSESSED,
    Status.ORGANISATIONAL,
)


def write(report: Report) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"slug": slug, "day": lambda moment: moment.strftime("%Y-%m-%d %H:%M UTC")}
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),  # noqa: S704 (our own file, which holds nothing of the report)
        style_hash=b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        charts=charts(report),
        width=WIDTH,
        controls={one.id: one for one in report.controls},
        resources={one.urn: one for one in report.resources},
        themes=_themes(report.controls),
        clouds=_clouds(report.resources),
        by_control=_grouped(report.verdicts, "control"),
        by_resource=_grouped(report.verdicts, "urn"),
        numbers={one.urn: number for number, one in enumerate(report.resources, start=1)},
        in_force=_in_force(report.verdicts),
        statuses=WORST_FIRST,
    )


def slug(text: str) -> str:
    """Text as part of an id: each odd character becomes its number, so two texts never become one id."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-.") else f"_{ord(one):x}" for one in text)


def _themes(controls: Iterable[ControlEntry]) -> dict[str, list[ControlEntry]]:
    found: dict[str, list[ControlEntry]] = defaultdict(list)
    for control in controls:
        found[control.theme].append(control)
    return dict(sorted(found.items()))


def _clouds(resources: Iterable[ResourceEntry]) -> dict[str, dict[str, list[ResourceEntry]]]:
    """Resources by cloud and type."""
    found: dict[str, dict[str, list[ResourceEntry]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        found[resource.cloud][resource.type].append(resource)
    return {cloud: dict(sorted(types.items())) for cloud, types in sorted(found.items())}


def _grouped(verdicts: Iterable[VerdictEntry], field: str) -> Mapping[str, list[VerdictEntry]]:
    """Verdicts by a field, worst first."""
    found: dict[str, list[VerdictEntry]] = defaultdict(list)
    for one in sorted(verdicts, key=lambda one: WORST_FIRST.index(one.status)):
        found[getattr(one, field)].append(one)
    return dict(found)


def _in_force(verdicts: Iterable[VerdictEntry]) -> list[VerdictEntry]:
    return [one for one in verdicts if one.exemption]
