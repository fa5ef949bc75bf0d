"""A small estate judged by three controls: everything that a report can say is in it once."""

from __future__ import annotations

import datetime
from typing import Any

from policies import (
    CRITICAL,
    LOW,
    MEDIUM,
    NOT_APPLICABLE,
    Options,
    Resource,
    Severity,
    Theme,
    Verdict,
    applies_to,
    fixed_by,
    passes_if,
    sets,
)
from policies.configuration import Configuration, Level
from policies.control import Check, Control
from policies.exemptions import Exemption, Exemptions
from policies.frameworks import Framework
from policies.registry import Registry
from policies.report import Report, Rules, Source, judge
from policies.values import UNKNOWNS

NOW = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
UNKNOWN = min(UNKNOWNS)
HOSTILE = "<script>alert(1)</script> | `x` =1+1 \x07 \N{SNOWMAN}"
AWS, GCP = "aws:x/disk:Disk", "gcp:x/disk:Disk"
THEME = Theme("testing", "Testing & <more>")

FRAMEWORK = Framework.model_validate(
    {
        "id": "soc2",
        "name": "Rules",
        "edition": "first",
        "unit": "rules",
        "requirements": {
            "R 1": {"title": "Disks are small", "automated": True},
            "R 2": {"title": "Disks have names", "automated": True},
            "R 3": {"title": "Nobody looks at this", "automated": True},
            "R 4": {"title": "People are kind", "organisational": "Ask them"},
            "R 5": {"title": "The weather is fine", "not_assessed": "No resource shows it"},
        },
    }
)


class Limit(Options):
    most: int = 10


def _control(id_: str, requirement: str, severity: Severity, title: str, options: type[Options] = Options) -> Control:
    return THEME.control(
        id_, title=title, severity=severity, maps={"soc2": [requirement]}, remedy="Make it <so>.", options=options
    )


_small = _control("T-1", "R 1(a)", CRITICAL, "Disks are small", Limit)
_named = _control("T-2", "R 2", LOW, "Disks have names")
_lost = _control("T-3", "R 1", MEDIUM, "Tapes are small")


def _is_small(disk: Resource, options: Limit) -> Verdict:
    if disk.flag("scratch"):
        return NOT_APPLICABLE
    return passes_if(disk.number("size") <= options.most, f"size is {disk.number('size')}")


def _has_name(disk: Resource) -> Verdict:
    return passes_if(disk.has("name"), disk.text("note", "no name"))


def _check(control: Control, judged: Any, *types: str) -> Check:
    return control(applies_to(*types, reads=["size", "scratch", "name"])(judged))


REGISTRY = Registry(
    [
        _check(_small, _is_small, AWS),
        _check(_small, lambda disk, options: _is_small(disk, options), GCP),
        _check(_named, fixed_by(sets("name", "unnamed"))(_has_name), AWS),
        _check(_lost, lambda tape: passes_if(True), "aws:x/tape:Tape"),
    ]
)


def disk(name: str, token: str = AWS, /, **properties: Any) -> Resource:
    return Resource(
        value=properties,
        urn=f"urn:pulumi:prod::shop::{token}::{name}",
        type=token,
        declared="project:///stacks/disks.py#7",
    )


RESOURCES = (
    disk("good", size=1, name="a"),
    disk("large", size=99, name="a"),
    disk("spared", size=50, name="a"),
    disk("late", size=UNKNOWN, name=UNKNOWN),
    disk("scratch", scratch=True, note=HOSTILE),
    disk("far", GCP, size=2),
    Resource(value={}, urn="urn:pulumi:prod::shop::aws:x/cable:Cable::c", type="aws:x/cable:Cable"),
)
SPARED = Exemption(
    check="T-1",
    urn="*::spared",
    owner="platform",
    ticket="LF-1",
    reason="it is being emptied",
    expires=datetime.date(2030, 6, 1),
)
UNUSED = SPARED.model_copy(update={"urn": "*::gone"})
EXPIRED = SPARED.model_copy(update={"urn": "*::large", "expires": datetime.date(2029, 1, 1)})
SOURCE = Source(
    kind="state",
    origin="the exported state in state.json",
    project="shop",
    stack="prod",
    environment="",
    digest="sha256:" + "0" * 64,
    engine="3.259.0",
)


def small(
    *resources: Resource,
    exemptions: tuple[Exemption, ...] = (SPARED, UNUSED, EXPIRED),
    levels: dict[str, Level] | None = None,
    strict: bool = False,
    options: dict[str, Options] | None = None,
    frameworks: tuple[Framework, ...] = (FRAMEWORK,),
) -> Report:
    configuration = Configuration(levels or {}, options or {})
    rules = Rules(REGISTRY, frameworks, configuration, Exemptions(exemptions), strict)
    return judge(resources or RESOURCES, rules, SOURCE, NOW)


def empty() -> Report:
    return small(RESOURCES[-1])
