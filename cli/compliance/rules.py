"""The rules of a compliance report: frameworks, configuration, exemptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.compliance.gate import CONFIGURATION, PACK
from policies.configuration import Configuration, read_configuration_file
from policies.control import Control
from policies.exemptions import Exemptions, read_baseline, read_exemptions
from policies.frameworks import FRAMEWORKS, framework
from policies.registry import Registry, everything
from policies.report import Rules

EXEMPTIONS = PACK.parent / "exemptions.yaml"


class BadExemptions(Exception):
    """A file of exemptions has a malformed entry, or one that names an unknown control."""


@dataclass(frozen=True)
class RuleFiles:
    """The files and frameworks that the command line names."""

    frameworks: Sequence[str] = ()
    configuration: Path | None = None
    exemptions: Path | None = None
    baseline: Path | None = None
    strict: bool = False


def read_rules(files: RuleFiles, *, own: bool) -> Rules:
    """Read the rules; with `own` our configuration and exemptions stand in where none are named.

    Raises BadFramework, BadConfiguration and BadExemptions.
    """
    frameworks = tuple(framework(id_) for id_ in dict.fromkeys(files.frameworks or FRAMEWORKS))
    registry = everything()
    named = files.configuration or (CONFIGURATION if own else None)
    configuration = read_configuration_file(registry, named) if named else Configuration()
    if files.frameworks:
        ids = {framework_.id for framework_ in frameworks}
        registry = Registry(
            (check for check in registry if not ids.isdisjoint(_list_frameworks(check.control))), registry.known
        )
    return Rules(
        registry=registry,
        frameworks=frameworks,
        configuration=configuration,
        exemptions=_select(_exemptions(files, configuration, own=own), registry),
        strict=files.strict or configuration.pack.strict,
    )


def _list_frameworks(control: Control) -> Iterable[str]:
    return (framework for framework, ids in control.maps.items() if ids)


def _exemptions(files: RuleFiles, configuration: Configuration, *, own: bool) -> Exemptions:
    """Read the exemption files that the command line names, else those that the configuration names."""
    pack = configuration.pack
    exemptions = files.exemptions or (PACK / pack.exemptions if pack.exemptions else EXEMPTIONS if own else None)
    baseline = files.baseline or (PACK / pack.baseline if pack.baseline else None)
    written = _check(read_exemptions(exemptions)) if exemptions else Exemptions()
    return written.join(_check(read_baseline(baseline))) if baseline else written


def _check(read: Exemptions) -> Exemptions:
    if read.problems:
        first, more = read.problems[0], len(read.problems) - 1
        raise BadExemptions(f"{first.where}: {first.message}" + (f" (and {more} more such)" if more else ""))
    known = {control.id for control in everything().controls}
    strangers = [entry for entry in read.entries if entry.check not in known]
    if strangers:
        raise BadExemptions(f"an exemption of {strangers[0].owner} names {strangers[0].check}, which is no control")
    return read


def _select(exemptions: Exemptions, registry: Registry) -> Exemptions:
    """Return the exemptions from the controls of the registry."""
    ids = {control.id for control in registry.controls}
    return Exemptions(tuple(entry for entry in exemptions.entries if entry.check in ids))
