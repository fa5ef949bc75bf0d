"""A facts file that does not keep to the format is refused with the file, type, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.contract.facts import BadFacts, facts_of, file_of, read_facts

TOKEN = "aws:kms/key:Key"


def facts_file(folder: Path, text: str) -> Path:
    path = folder / "kms.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("- a", "expected a map from type token to facts"),
        (f"{TOKEN}: {{replace: [a]}}", "every group of facts names its source"),
        (f"{TOKEN}: text", "every group of facts names its source"),
        (f"{TOKEN}: {{source: s, replaces: [a]}}", "unknown key replaces; known are allowed, computed, "),
        (f"{TOKEN}: {{source: s, replace: a}}", "replace: expected a list of texts, got 'a'"),
        (f"{TOKEN}: {{source: s, replace: ['a[0]']}}", "replace: 'a[0]' is no property path"),
        (f"{TOKEN}: {{source: s, ranges: {{a: [7]}}}}", "ranges: a: expected [lowest, highest]"),
        (f"{TOKEN}: {{source: s, ranges: {{a: [7, 3]}}}}", "ranges: a: expected [lowest, highest]"),
        (f"{TOKEN}: {{source: s, ranges: {{a: [true, 3]}}}}", "ranges: a: expected [lowest, highest]"),
        (f"{TOKEN}: {{source: s, ranges: [a]}}", "ranges: expected a map from property path"),
        (f"{TOKEN}: {{source: s, patterns: {{a: '('}}}}", "patterns: a: not a regular expression"),
        (f"{TOKEN}: {{source: s, patterns: {{a: 3}}}}", "patterns: a: not a regular expression"),
        (f"{TOKEN}: {{source: s, allowed: {{a: b}}}}", "allowed: a: expected a list of allowed values"),
        (f"{TOKEN}: {{source: s, allowed: {{a: []}}}}", "allowed: a: expected a list of allowed values"),
        (f"{TOKEN}: {{source: s, computed: [a]}}", "computed: expected a map from output name"),
        (f"{TOKEN}: {{source: s, ranges: {{}}, ranges: {{}}}}", "a key stands here twice"),
        ("aws:rds/instance:Instance: {source: s}", "the facts of this type belong into rds.yaml"),
        ("aws: {source: s}", "is no type token"),
    ],
)
def test_a_bad_file_is_refused_in_a_clear_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = facts_file(tmp_path, text)
    with pytest.raises(BadFacts) as refusal:
        read_facts(path)
    assert str(path) in str(refusal.value)
    assert complaint in str(refusal.value)


def test_groups_with_a_source_each_are_joined(tmp_path: Path) -> None:
    text = f"""
{TOKEN}:
  - {{source: the manual, replace: [a], ranges: {{b: [1, null]}}}}
  - {{source: [the schema], replace: [c.d], ranges: {{e: [null, 2.5]}}}}
"""
    facts = read_facts(facts_file(tmp_path, text))[TOKEN]
    assert facts.source == ("the manual", "the schema")
    assert facts.replace == ("a", "c.d")
    assert facts.ranges == {"b": (1, None), "e": (None, 2.5)}


def test_a_limit_given_twice_is_refused(tmp_path: Path) -> None:
    text = f"""
{TOKEN}:
  - {{source: the manual, ranges: {{b: [1, 2]}}}}
  - {{source: the schema, ranges: {{b: [1, 3]}}}}
"""
    with pytest.raises(BadFacts, match="ranges: b stands in two groups"):
        read_facts(facts_file(tmp_path, text))


@pytest.mark.parametrize(
    ("token", "file"),
    [
        ("aws:rds/instance:Instance", "aws/rds.yaml"),
        ("azure-native:network:Subnet", "azure-native/network.yaml"),
        ("kubernetes:apps/v1:Deployment", "kubernetes/apps.yaml"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes/networking.k8s.io.yaml"),
        ("gcp:*:*", "gcp/every.yaml"),
    ],
)
def test_each_type_has_one_file_that_may_hold_its_facts(token: str, file: str) -> None:
    assert file_of(token).as_posix().endswith(f"localcloud/facts/{file}")


def test_a_type_without_facts_has_none() -> None:
    assert facts_of("aws:nothing/here:Thing") is None
    assert facts_of("pulumi:providers:aws") is None
