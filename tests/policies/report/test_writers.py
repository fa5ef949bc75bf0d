"""Every format says what the model says, in the form that its readers demand, and the same bytes each time."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from justhtml import JustHTML

from policies.report import FORMATS, Report, UnknownFormat, chosen
from policies.report import schema as report_schema
from policies.report.writers import json_document, markdown
from policies.report.writers.html_page import slug
from policies.verdicts import Status
from tests.policies.report.small import FRAMEWORK, HOSTILE, NOW, RESOURCES, SOURCE, SPARED, UNKNOWN, disk, empty, small

REPORTS = {"small": small, "empty": empty, "strict": lambda: small(strict=True)}


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    return REPORTS[request.param]()


def written(format_: str, report: Report | None = None) -> str:
    return FORMATS[format_].write(report or small())


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_input_gives_the_same_bytes(format_: str) -> None:
    assert written(format_, small(*reversed(RESOURCES))) == written(format_, small())


@pytest.mark.parametrize("format_", FORMATS)
def test_no_format_depends_on_more_than_the_json_report(format_: str, report: Report) -> None:
    again = json_document.read(written("json", report))
    assert written(format_, again) == written(format_, report)


@pytest.mark.parametrize("format_", ["json", "html", "markdown", "oscal"])
def test_where_nothing_was_evaluated_no_percentage_is_printed(format_: str) -> None:
    text = re.sub(r"0 of \d+ \(0%\)", "", written(format_, empty()))
    if format_ == "html":
        text = text.partition("</style>")[2].replace('svg width="100%"', "")
    assert "%" not in text
    assert "null" in text if format_ == "json" else "no data" in text.lower()


def test_only_known_formats_are_written() -> None:
    assert [one.name for one in chosen(["sarif", "json"])] == ["json", "sarif"]
    assert len(chosen([])) == len(FORMATS)
    with pytest.raises(UnknownFormat, match="pdf is no known format: there are json, html"):
        chosen(["pdf"])


class TestJson:
    def test_it_keeps_to_its_schema_which_lies_beside_the_code(self, report: Report) -> None:
        described = json.loads(report_schema.FILE.read_text())
        assert report_schema.FILE.read_text() == report_schema.text(), "run python -m policies.report.schema"
        validator = jsonschema_rs.Draft202012Validator(described, validate_formats=True)
        validator.validate(json.loads(written("json", report)))
        with pytest.raises(jsonschema_rs.ValidationError):
            validator.validate({"version": "2.0"})

    def test_another_version_or_document_is_refused(self) -> None:
        document = json.loads(written("json"))
        with pytest.raises(json_document.NoReport, match="version"):
            json_document.read(json.dumps(document | {"version": "1.0"}))
        with pytest.raises(json_document.NoReport, match="no compliance report"):
            json_document.read("{")


class TestHtml:
    def page(self, report: Report | None = None) -> JustHTML:
        return JustHTML(written("html", report), strict=True, sanitize=False)

    def test_it_is_sound_and_every_link_inside_it_arrives(self, report: Report) -> None:
        page = self.page(report)
        ids = [element.attrs["id"] for element in page.query("[id]")]
        assert len(ids) == len(set(ids))
        links = [element.attrs["href"] for element in page.query("a")]
        assert links
        assert {link[1:] for link in links if link.startswith("#")} <= set(ids)

    def test_it_asks_for_nothing_outside_itself_and_runs_nothing(self) -> None:
        page = self.page()
        for selector in ("script", "link", "img", "iframe", "object", "[src]", "[style]", "[onclick]"):
            assert not page.query(selector), selector
        assert "url(" not in written("html")
        assert "@import" not in written("html")
        [policy] = page.query("meta[http-equiv]")
        assert policy.attrs["content"].startswith("default-src 'none'; style-src 'sha256-")

    def test_the_three_figures_stand_at_the_top_both_ways_and_never_alone(self) -> None:
        [header] = self.page().query("header")
        told = [" ".join(element.to_text().split()) for element in header.query(".tile")]
        assert [one.partition(" no ")[0].partition(" %")[0][:13] for one in told] == [
            "Requirements ",
            "Verdicts that",
            "Determinable ",
        ]
        assert "71.4% 5 of 7" in told[1]
        assert "Without exemptions 5 of 8 (62.5%)." in told[1]
        assert "no data" in self.page(empty()).query("header .tile")[1].to_text()

    def test_requirements_with_evidence_of_several_frameworks_are_never_added_up(self) -> None:
        page = self.page(small(frameworks=(FRAMEWORK, FRAMEWORK.model_copy(update={"name": "More rules"}))))
        lines = [" ".join(line.to_text().split()) for line in page.query(".tile")[0].query(".figure")]
        assert [line.partition(" The same")[0] for line in lines] == ["40% 2 of 5 Rules", "40% 2 of 5 More rules"]
        assert "4 of 10" not in page.query_one("body").to_text()
        assert "by framework only" in page.query_one("table.figures").to_text()

    def test_what_to_do_first_is_by_control_and_the_worst_comes_first(self) -> None:
        tasks = self.page(small(*RESOURCES, disk("huge", size=100))).query("#todo details")
        told = [" ".join(task.query_one("summary").to_text().split()) for task in tasks]
        assert told[0] == "critical blocks T-1 Disks are small 2 resources"
        assert told[1] == "low T-2 Disks have names 2 resources"
        assert "Make it <so>." in tasks[0].to_text()
        assert "size is 100" in tasks[0].to_text()
        assert told[2].startswith("critical blocks T-1")  # what could not be determined, after all that fails

    def test_what_cannot_be_determined_is_no_clean_end(self) -> None:
        banner = self.page(small(disk("late", size=UNKNOWN, name="a"))).query_one(".banner")
        assert banner.to_text() == "No violation found; 1 verdict could not be determined"
        assert "pass" not in banner.attrs["class"].split()
        assert "No data" in self.page(empty()).query_one(".banner").to_text()
        simulated = small().model_copy(update={"source": SOURCE.model_copy(update={"simulated": True})})
        assert self.page(simulated).query_one(".banner").to_text().endswith(" (simulated)")
        spared = self.page(small(disk("spared", size=50, name="a"))).query_one(".banner").to_text()
        assert spared == "No violation found; 1 verdict exempt"

    def test_an_exemption_that_ends_soon_is_work(self) -> None:
        def todo(days: int) -> str:
            ends = SPARED.model_copy(update={"expires": NOW.date() + datetime.timedelta(days=days)})
            return self.page(small(disk("spared", size=50, name="a"), exemptions=(ends,))).query_one("#todo").to_text()

        assert "T-1 : 1 verdict exempt until 2030-04-02" in " ".join(todo(90).split())
        assert "The next of the exemptions ends on 2030-04-03" in " ".join(todo(91).split())

    def test_an_exemption_stands_there_once_with_all_that_it_covers(self) -> None:
        wide = SPARED.model_copy(update={"urn": "*::spared-*"})
        spared = [disk(f"spared-{number}", size=50, name="a") for number in range(3)]
        [row] = self.page(small(*spared, exemptions=(wide,))).query("#exemptions tbody tr")
        text = " ".join(row.to_text().split())
        assert "2030-06-01 platform LF-1 written in file it is being emptied" in text
        assert text.count("fail size is 50") == 3

    def test_a_control_leads_to_its_requirements_and_they_to_it(self) -> None:
        page = self.page()
        control = page.query_one('[id="control-T-1"]')
        assert [element.attrs["href"] for element in control.query("a")] == [f"#requirement-soc2-{slug('R 1')}"]
        row = page.query_one(f'[id="requirement-soc2-{slug("R 1")}"]')
        assert [element.attrs["href"] for element in row.query("a")] == ["#control-T-1", "#control-T-3"]

    def test_print_folds_what_only_a_screen_can_search(self) -> None:
        many = small(*(disk(f"d{number}", size=99, name="a") for number in range(25)))
        page = self.page(many)
        assert "screen-only" in page.query_one("#resources").attrs["class"]
        assert len(page.query("#todo tr.unprinted")) == 15
        assert "and 15 more" in page.query_one("#todo .print-only").to_text()
        assert all("printed" in element.attrs["class"] for element in page.query("#frameworks details"))
        assert not any("printed" in element.attrs["class"].split() for element in page.query("#controls details"))

    def test_the_filter_leaves_out_only_what_asks_nothing_of_anybody(self) -> None:
        page = self.page()
        quiet = {element.query_one("strong").to_text() for element in page.query("#controls .quiet")}
        assert quiet == {"T-3"}
        names = {element.to_text() for element in page.query("#resources details.quiet strong")}
        assert names == {"good", "far"}

    def test_what_comes_from_resources_is_text_never_markup(self) -> None:
        assert "<script" not in written("html")
        assert any("<script>alert(1)</script>" in cell.to_text() for cell in self.page().query("td"))

    def test_each_verdict_is_found_by_control_and_by_resource(self) -> None:
        page = self.page()
        report = small()
        controls = "".join(element.to_text() for element in page.query("#controls details"))
        resources = "".join(element.to_text() for element in page.query("#resources details"))
        assert "size is 99" in controls
        assert "size is 99" in resources
        for control in report.controls:
            assert page.query(f'[id="control-{slug(control.id)}"]')

    def test_people_who_see_no_colours_or_no_picture_are_told_the_same(self) -> None:
        page = self.page()
        assert page.query_one("html").attrs["lang"] == "en"
        for drawing in page.query("svg"):
            assert drawing.attrs["role"] == "img"
            assert re.search(r": (\d+ (pass|fail|exempt|not|organisational)|no data)", drawing.attrs["aria-label"])
        assert all(chip.to_text().strip() for chip in page.query(".chip"))
        levels = [int(element.name[1]) for element in page.query("h1, h2, h3")]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))

    def test_the_source_and_every_requirement_stand_there(self) -> None:
        text = self.page().to_text()
        for told in (
            "sha256:" + "0" * 64,
            "Pulumi 3.259.0",
            "pack fortress",
            "2030-01-02 03:04 UTC",
            "Ask them",
            "R 5",
        ):
            assert told in text

    @pytest.mark.parametrize("one", ["a b", "a_b", "a/b", "a&b", "ä", "<", ""])
    def test_two_texts_never_become_one_id(self, one: str) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_.-]*", slug(one))
        assert all(slug(one) != slug(other) for other in ("a b", "a_b", "a/b", "a&b", "ä", "<", "") if other != one)


class TestSarif:
    """What OASIS SARIF 2.1.0 demands of a log file, by section."""

    def run(self, report: Report | None = None) -> dict[str, Any]:
        log = json.loads(written("sarif", report))
        assert log["version"] == "2.1.0"  # 3.13.2
        [run] = log["runs"]
        return run

    def test_every_result_points_at_its_rule_and_a_place(self, report: Report) -> None:
        run = self.run(report)
        rules = run["tool"]["driver"]["rules"]
        assert run["tool"]["driver"]["name"]  # 3.19.8
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # 3.27.6
            assert result["message"]["text"]  # 3.27.11
            assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].startswith("urn:pulumi:")
            assert result["level"] in ("none", "note", "warning", "error")  # 3.27.10
            assert (result["kind"] == "fail") == (result["level"] != "none")  # 3.27.10: others have no level

    def test_a_failure_an_open_question_and_an_exemption_are_told_apart(self) -> None:
        told = {one["properties"]["urn"].rpartition("::")[2] + one["ruleId"]: one for one in self.run()["results"]}
        assert set(told) == {"largeT-1", "sparedT-1", "lateT-1", "lateT-2", "scratchT-2"}
        assert (told["largeT-1"]["kind"], told["largeT-1"]["level"]) == ("fail", "error")
        assert (told["scratchT-2"]["kind"], told["scratchT-2"]["level"]) == ("fail", "note")
        assert told["lateT-1"]["kind"] == "open"
        assert told["largeT-1"]["suppressions"] == []  # 3.27.23: known to be none
        [suppression] = told["sparedT-1"]["suppressions"]
        assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
        assert suppression["justification"] == SPARED.reason

    def test_an_exemption_in_code_is_suppressed_in_source(self) -> None:
        [result] = self.run(
            small(disk("spared", size=50, name="a"), exemptions=(SPARED.model_copy(update={"origin": "code"}),))
        )["results"]
        assert result["suppressions"][0]["kind"] == "inSource"

    def test_fingerprints_stay_when_the_finding_changes_its_words(self) -> None:
        def prints(report: Report) -> dict[str, Any]:
            return {one["properties"]["urn"]: one["fingerprints"] for one in self.run(report)["results"]}

        before, after = small(disk("large", size=99, name="a")), small(disk("large", size=100, name="b"))
        assert prints(before) == prints(after)
        assert prints(before) != prints(small(disk("larger", size=99, name="a")))

    def test_the_place_is_a_line_of_the_program(self) -> None:
        place = self.run()["results"][0]["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "stacks/disks.py", "uriBaseId": "%SRCROOT%"}
        assert place["region"] == {"startLine": 7}
        assert "%SRCROOT%" in self.run()["originalUriBaseIds"]

    def test_a_result_with_an_unknown_place_points_at_the_project(self) -> None:
        nowhere = dataclasses.replace(disk("large", size=99, name="a"), declared="")
        [result] = self.run(small(nowhere))["results"]
        [place] = [one["physicalLocation"] for one in result["locations"]]
        assert place == {
            "artifactLocation": {"uri": "Pulumi.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 1},
        }

    def test_a_place_is_a_uri(self) -> None:
        odd = dataclasses.replace(disk("large", size=99, name="a"), declared="project:///my%20stacks/a%23b.py#7")
        [result] = self.run(small(odd))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20stacks/a%23b.py"

    def test_rules_are_told_as_code_scanning_demands_them(self) -> None:
        rules = self.run()["tool"]["driver"]["rules"]
        assert [rule["id"] for rule in rules] == ["T-1", "T-2", "T-3"]
        for rule in rules:
            assert rule["fullDescription"]["text"].startswith(rule["shortDescription"]["text"])
            assert len(rule["properties"]["tags"]) <= 20

    def test_the_run_has_the_three_figures_both_ways(self) -> None:
        figures = self.run()["properties"]["figures"]
        assert figures["withExemptions"]["passRate"] == {"part": 5, "whole": 7, "percent": 71.4}
        assert figures["withoutExemptions"]["determinacy"]["whole"] == 10

    def test_rules_name_the_requirements_that_the_run_describes(self) -> None:
        run = self.run()
        taxa = [{one["id"] for one in taxonomy["taxa"]} for taxonomy in run["taxonomies"]]
        assert taxa == [{"R 1", "R 2", "R 3", "R 4", "R 5"}]
        named = [relation["target"] for rule in run["tool"]["driver"]["rules"] for relation in rule["relationships"]]
        assert all(one["id"] in taxa[one["toolComponent"]["index"]] for one in named)  # 3.53.2
        assert {one["id"] for one in named} == {"R 1", "R 2"}

    def test_exemptions_without_effect_are_warnings_of_the_run(self) -> None:
        [invocation] = self.run()["invocations"]
        assert invocation["executionSuccessful"] is True  # 3.20.14: must be there
        assert "expired on 2029-01-01" in invocation["toolConfigurationNotifications"][0]["message"]["text"]


class TestCsv:
    def rows(self, report: Report | None = None) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(written("csv", report), newline="")))

    def test_each_verdict_is_a_row(self, report: Report) -> None:
        rows = self.rows(report)
        assert [(row["control"], row["urn"], row["status"]) for row in rows] == [
            (verdict.control, verdict.urn, verdict.status.value) for verdict in report.verdicts
        ]
        assert all(None not in row and None not in row.values() for row in rows)

    def test_a_spreadsheet_runs_nothing(self) -> None:
        hostile = "=HYPERLINK(1)"
        [row] = [row for row in self.rows(small(disk("x", scratch=True, note=hostile))) if row["control"] == "T-2"]
        assert row["found"] == f"'{hostile}"
        cells = [cell for row in self.rows() for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
    def test_a_name_that_begins_like_a_formula_is_text(self, start: str) -> None:
        rows = self.rows(small(disk(f"{start}SUM(A1)", size=1, name="a")))
        assert {row["resource"] for row in rows} == {f"'{start}SUM(A1)"}


class TestJUnit:
    def root(self, report: Report | None = None) -> ElementTree.Element:
        return ElementTree.fromstring(written("junit", report))

    def test_the_counts_are_those_of_the_cases(self, report: Report) -> None:
        root = self.root(report)
        for place in (root, *root.findall("testsuite")):
            cases = list(place.iter("testcase"))
            assert place.get("tests") == str(len(cases))
            for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
                assert place.get(name) == str(sum(case.find(tag) is not None for case in cases))

    def test_only_what_passes_looks_passed(self) -> None:
        report = small()
        passed = {
            (case.get("classname"), case.get("name")) for case in self.root(report).iter("testcase") if len(case) == 0
        }
        assert passed == {(verdict.control, verdict.urn) for verdict in report.of_status(Status.PASS)}

    def test_what_cannot_be_determined_is_skipped_and_under_strict_an_error(self) -> None:
        assert self.root().get("errors") == "0"
        assert self.root(small(strict=True)).get("errors") == "2"
        skipped = [one.get("message", "") for one in self.root().iter("skipped")]
        assert any("not determinable: size is not known yet" in one for one in skipped)
        assert any("exempt until 2030-06-01 by platform" in one for one in skipped)

    def test_where_nothing_was_evaluated_no_reader_sees_a_clean_run(self) -> None:
        root = self.root(empty())
        assert (root.get("tests"), root.get("errors")) == ("1", "1")
        [error] = root.iter("error")
        assert error.get("message") == "no data: nothing was evaluated"

    def test_what_xml_cannot_hold_is_replaced(self) -> None:
        assert "\x07" in HOSTILE
        [failure] = [one for one in self.root().iter("failure") if "alert" in one.get("message", "")]
        assert "<script>" in failure.get("message", "")
        assert "\ufffd" in failure.get("message", "")


class TestOscal:
    def read(self, report: Report, folder: Path) -> Any:
        from trestle.oscal.assessment_results import AssessmentResults

        path = folder / "assessment-results.json"
        path.write_text(written("oscal", report), encoding="utf-8")
        return AssessmentResults.oscal_read(path)

    def test_trestle_reads_it_and_finds_no_double_or_dangling_identifier(self, report: Report, tmp_path: Path) -> None:
        from trestle.core.duplicates_validator import DuplicatesValidator
        from trestle.core.refs_validator import RefsValidator
        from trestle.oscal import OSCAL_VERSION

        read = self.read(report, tmp_path)
        assert DuplicatesValidator().model_is_valid(read, True)
        assert RefsValidator().model_is_valid(read, True)
        assert read.metadata.oscal_version.root.root == OSCAL_VERSION

    def test_every_observation_and_finding_points_at_what_is_there(self, report: Report, tmp_path: Path) -> None:
        [result] = self.read(report, tmp_path).results
        items = {item.uuid for item in result.local_definitions.inventory_items} if result.local_definitions else set()
        observations = result.observations or []
        assert {subject.subject_uuid for observation in observations for subject in observation.subjects} <= items
        known = {observation.uuid for observation in observations}
        for finding in result.findings or []:
            assert {observation.observation_uuid for observation in finding.related_observations} <= known

    def test_a_finding_is_satisfied_only_where_its_requirement_passes(self, tmp_path: Path) -> None:
        report = small(disk("good", size=1, name=""), disk("spared", size=50, name="a"))
        states = {
            finding.target.target_id: (finding.target.status.state.value, finding.target.status.reason)
            for finding in self.read(report, tmp_path).results[0].findings
        }
        assert {target: state for target, (state, _) in states.items()} == {
            "soc2_R-1": "not-satisfied",
            "soc2_R-2": "not-satisfied",
        }
        passing = self.read(small(disk("good", size=1, name="a")), tmp_path).results[0].findings
        assert {one.target.status.state.value for one in passing} == {"satisfied"}

    def test_what_was_looked_at_is_named(self, tmp_path: Path) -> None:
        told = {prop.name: prop.value for prop in self.read(small(), tmp_path).metadata.props}
        assert told["source-digest"] == "sha256:" + "0" * 64
        assert (told["stack"], told["engine"], told["pack"]) == ("shop/prod", "3.259.0", "fortress 0.1.0")

    def test_the_three_figures_stand_there_both_ways(self, tmp_path: Path) -> None:
        [result] = self.read(small(), tmp_path).results
        for told in ("2 of 5 (40%)", "5 of 7 (71.4%)", "7 of 9 (77.7%)", "5 of 8 (62.5%)", "8 of 10 (80%)"):
            assert told in result.description
        assert "no data" in self.read(empty(), tmp_path).results[0].description

    def test_who_observed_is_a_component_of_the_result(self, tmp_path: Path) -> None:
        [result] = self.read(small(), tmp_path).results
        [tool] = result.local_definitions.components
        assert {
            actor.actor_uuid
            for observation in result.observations
            for origin in observation.origins
            for actor in origin.actors
        } == {tool.uuid}

    def test_observations_and_resources_keep_their_identifiers_in_a_later_state(self, tmp_path: Path) -> None:
        def identifiers(report: Report) -> tuple[set[str], set[str]]:
            [result] = self.read(report, tmp_path).results
            return {observation.uuid for observation in result.observations}, {
                item.uuid for item in result.local_definitions.inventory_items
            }

        later = small()
        source = later.source.model_copy(update={"digest": "sha256:" + "1" * 64})
        later = later.model_copy(update={"source": source, "generated": later.generated + datetime.timedelta(days=1)})
        assert identifiers(later) == identifiers(small())

    def test_each_evaluated_verdict_is_observed(self, tmp_path: Path) -> None:
        report = small()
        observed = self.read(report, tmp_path).results[0].observations
        assert len(observed) == len(report.verdicts) - report.tally.not_applicable
        [exempt] = [one for one in observed if one.remarks]
        assert "Exempt until 2030-06-01 by platform (LF-1)" in exempt.remarks


class TestMarkdown:
    def test_all_violations_stand_there_without_a_base_and_only_new_ones_with(self) -> None:
        before = small(disk("large", size=99, name="a"), disk("former", size=99, name="a"))
        after = small(disk("large", size=99, name="a"), disk("new", size=77, name="a"))
        whole, short = markdown.section(after), markdown.section(after, before)
        assert "**2 violations, 2 of them blocking.**" in whole
        assert "`large`" in whole
        assert "**1 new violation, 1 of them blocking; 1 that the base has too, 1 gone.**" in short
        assert "`large`" not in short
        assert "`new`" in short

    def test_the_worst_stands_first_with_its_remedy(self) -> None:
        text = markdown.section(small())
        assert text.index("**T-1**") < text.index("**T-2**")
        assert "(critical, blocks)" in text
        assert r"Make it \<so\>." in text

    def test_figures_never_stand_alone_and_stand_there_without_exemptions_too(self) -> None:
        text = markdown.section(small())
        assert "| Rules | 2 of 5 (40%) | 5 of 7 (71.4%) | 7 of 9 (77.7%) | 1 |" in text
        assert "| Rules, without exemptions | 2 of 5 (40%) | 5 of 8 (62.5%) | 8 of 10 (80%) | 0 |" in text
        assert not [line for line in text.splitlines() if "%" in line and line.count("%") != 3]
        assert "without exemptions" not in markdown.section(small(disk("good", size=1, name="a")))

    def test_what_comes_from_resources_is_neither_markup_nor_a_table(self) -> None:
        [line] = [line for line in markdown.section(small()).splitlines() if "alert" in line]
        assert r"\<script\>alert(1)\</script\> \| \`x\`" in line
        name = small(disk("a`b", size=99, name="a"))
        assert "`` a`b ``" in markdown.section(name)

    def test_it_stays_short_and_says_what_it_leaves_out(self) -> None:
        many = small(*(disk(f"d{number}", size=99, scratch=number < 9) for number in range(3_000)))
        text = markdown.section(many)
        assert len(text) < 10_000
        shown = len(re.findall(r"\n  - `d", text))
        assert shown == 10  # of each control five
        assert f"  - and {2_991 - 5} more" in text
        assert "**T-2**" in text

    def test_controls_that_have_no_room_are_counted(self) -> None:
        violations = small().violations
        report = small()
        [control] = [control for control in report.controls if control.id == "T-1"]
        names = [f"T-{number}" for number in range(100, 200)]
        many = report.model_copy(
            update={
                "controls": (*report.controls, *(control.model_copy(update={"id": name}) for name in names)),
                "verdicts": tuple(
                    violations[0].model_copy(update={"control": name, "fingerprint": name, "reason": "x" * 5_000})
                    for name in names
                ),
            }
        )
        text = markdown.section(many)
        assert len(text) < markdown.MOST_CHARACTERS
        shown = len(re.findall(r"\n- \*\*T-", text))
        assert f"- {100 - shown} more violations of {100 - shown} more controls are in the report" in text

    def test_nobody_is_called_and_no_issue_is_linked_by_what_a_resource_says(self) -> None:
        text = markdown.section(small(disk("x", scratch=True, note="@octocat and #12 at www.example.com or GH-12")))
        [line] = [line for line in text.splitlines() if "octocat" in line]
        assert not re.search(r"[@#]\w|www\.|GH-\d", line)

    def test_what_could_not_be_determined_never_sounds_like_a_clean_end(self) -> None:
        text = markdown.section(small(disk("late", size=UNKNOWN, name="a")))
        assert "**No violations found, 1 verdict not determinable.**" in text
        assert "**No new violations found; 0 that the base has too, 0 gone; 1 verdict not determinable.**" in (
            markdown.section(small(disk("late", size=UNKNOWN, name="a")), small(disk("other", size=1, name="a")))
        )

    def test_no_violation_is_not_no_data(self) -> None:
        assert "**No violations found.**" in markdown.section(small(disk("good", size=1, name="a")))
        assert "**Nothing was evaluated.**" in markdown.section(empty())
