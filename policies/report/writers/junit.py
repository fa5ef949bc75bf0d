"""JUnit XML: a suite a control, a case a resource, for continuous integration."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from policies.report.figures import NO_DATA
from policies.report.model import ControlEntry, Report, VerdictEntry
from policies.verdicts import Status

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


def write(report: Report) -> str:
    """Write a case a verdict: not evaluated is skipped, with the reason; under `strict` undetermined is an error."""
    root = ElementTree.Element("testsuites", name=_clean(f"compliance of {report.source.stack}"), time="0")
    for control in report.controls:
        verdicts = [verdict for verdict in report.verdicts if verdict.control == control.id]
        if verdicts:
            root.append(_suite(control, verdicts, report))
    if not report.figures.evaluated:
        root.append(_no_data(report))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _no_data(report: Report) -> ElementTree.Element:
    """Return an error: a run without a case, or with skipped ones only, looks clean to most readers."""
    suite = ElementTree.Element("testsuite", name="evaluation", time="0", timestamp=_stamp(report))
    for name, count in (("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")):
        suite.set(name, count)
    case = ElementTree.SubElement(suite, "testcase", classname="evaluation", name=_clean(report.source.stack), time="0")
    ElementTree.SubElement(case, "error", type=NO_DATA, message=f"{NO_DATA}: nothing was evaluated")
    return suite


def _suite(control: ControlEntry, verdicts: list[VerdictEntry], report: Report) -> ElementTree.Element:
    name = _clean(f"{control.id} {control.title}")
    suite = ElementTree.Element("testsuite", name=name, time="0", timestamp=_stamp(report))
    suite.set("tests", str(len(verdicts)))
    cases = [_case(control, verdict, strict=report.strict) for verdict in verdicts]
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _case(control: ControlEntry, verdict: VerdictEntry, *, strict: bool) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=control.id, name=_clean(verdict.urn), time="0")
    why = _clean(f"{verdict.status.value}: {verdict.reason}" if verdict.reason else verdict.status.value)
    if verdict.status is Status.FAIL:
        failure = ElementTree.SubElement(case, "failure", type=control.severity.value, message=why)
        failure.text = _clean(f"{control.title}: {verdict.reason or 'it is not so'}. {control.remedy}")
    elif verdict.status is Status.NOT_DETERMINABLE and strict:
        ElementTree.SubElement(case, "error", type=verdict.status.value, message=why)
    elif verdict.status is not Status.PASS:
        exemption = verdict.exemption
        told = f"{why}; exempt until {exemption.expires} by {exemption.owner}" if exemption else why
        ElementTree.SubElement(case, "skipped", message=_clean(told))
    return case


def _stamp(report: Report) -> str:
    return report.generated.strftime("%Y-%m-%dT%H:%M:%S")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
