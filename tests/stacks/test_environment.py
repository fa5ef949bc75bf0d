"""Settings of an environment: reading them, and the messages for wrong ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.environment import LOCAL_ACCOUNTS, REHEARSAL_ACCOUNTS, Environment, ExecutionMode, read_environment
from stacks.invalid_settings import InvalidSettings

CONFIG = Path(__file__).resolve().parents[2] / "stacks" / "config"
COMMITTED = ("local", "dev", "staging", "production")
FILE = "stacks/config/Pulumi.production.yaml"


def settings(name: str) -> dict[str, Any]:
    document = yaml.safe_load((CONFIG / f"Pulumi.{name}.yaml").read_text())
    return copy.deepcopy(document["config"])


def read(configuration: dict[str, Any], stack: str = "production") -> Environment:
    return read_environment(stack, configuration, FILE)


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_environment_is_valid(name: str) -> None:
    environment = read_environment(name, settings(name), FILE)
    assert environment.name == name
    assert environment.mode is (ExecutionMode.LOCAL if name == "local" else ExecutionMode.REAL)


def test_the_engine_passes_lists_and_objects_as_json_text() -> None:
    as_text = {
        key: json.dumps(value) if isinstance(value, dict | list) else str(value).lower()
        for key, value in settings("production").items()
    }
    assert read(as_text) == read(settings("production"))


def test_a_preview_carries_its_expiry_as_a_tag() -> None:
    environment = read(settings("preview") | {"living-fortress:expires": "2030-01-31"}, "preview-7")
    assert environment.tags["expires"] == "2030-01-31"
    assert environment.tags["environment"] == "preview-7"


def test_production_has_no_expiry() -> None:
    with pytest.raises(InvalidSettings, match="expires is required for preview environments"):
        read(settings("production") | {"living-fortress:expires": "2030-01-31"})


def test_a_preview_without_expiry_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="expires is required for preview environments, and allowed only there"):
        read(settings("preview"), "preview-7")


def with_change(path: str, value: Any) -> dict[str, Any]:
    changed = settings("production")
    first, *rest = path.split(".")
    key = f"living-fortress:{first}"
    if not rest:
        return changed | {key: value}
    target = changed.setdefault(key, {})
    for part in rest[:-1]:
        target = target[part]
    target[rest[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("database.backupRetentionDays", 99, "less than or equal to 35"),
        ("database.backupRetentionDays", 6, "greater than or equal to 7"),
        ("database.backupRetentionDays", "many", "valid integer"),
        ("database.size", "huge", "'small', 'medium' or 'large'"),
        ("database.siz", "large", "allowed here: backupRetentionDays, readReplicas, size, zoneRedundant"),
        ("shardsPerHome", 0, "greater than or equal to 1"),
        ("clouds", ["aws", "aws"], "names a cloud twice"),
        ("clouds", ["aws", "ibm"], "'aws', 'azure' or 'gcp'"),
        ("accounts.aws", "12345", "^[0-9]{12}$"),
        ("regions.aws.cidr", "10.16.0.0/24", "private /16"),
        ("regions.aws.cidr", "8.8.0.0/16", "private /16"),
        ("regions.aws.zones", ["eu-central-1a"], "zones"),
        ("app.image", "ghcr.io/living-fortress/app:latest", "@sha256:"),
        ("app.minReplicas", 2, "minAvailable < minReplicas <= maxReplicas"),
        ("oidc.issuer", "http://login.fortress.example", "^https://"),
        ("personalData.keeper", "azure", "'aws' or 'gcp'"),
        ("personalData.erasureLog", "s3://bucket", "bucket$|databases$|file:"),
        ("personalData.erasureLog", "buckets", "bucket$|databases$|file:"),
        ("surprise", 1, "not a known key; allowed here: accounts, app"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_key_value_and_what_is_allowed(
    path: str, value: Any, allowed: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(with_change(path, value))
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{FILE}: living-fortress:{path.split('.')[0]}")
    assert allowed in line
    assert json.dumps(value)[:20] in line or path.split(".")[-1] in line


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"personalData": {"keySecret": "key"}}, "personalData.keySecret is for the local environment only"),
        (
            {"personalData": {"keeper": "gcp"}, "clouds": ["aws"]},
            "personalData.keeper gcp is not among the clouds",
        ),
        ({"clouds": ["azure"]}, "personalData: clouds must include aws or gcp, which keep the master key"),
        (
            {"personalData": {"copyRegion": "eu-central-1"}},
            "personalData.copyRegion eu-central-1 must be another region of aws on the continent of eu-central-1",
        ),
        ({"personalData": {"copyRegion": "us-east-1"}}, "must be another region of aws on the continent of eu-central"),
        (
            {"personalData": {"copyRegion": "eu-west-1", "keeper": "gcp"}},
            "personalData.copyRegion eu-west-1 must be another region of gcp on the continent of europe-west3",
        ),
        (
            {"personalData": {"copyRegion": "eu-west-1", "erasureLog": "databases"}},
            "personalData.copyRegion needs erasureLog bucket",
        ),
    ],
)
def test_the_keeper_is_a_cloud_in_use(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InvalidSettings, match=line):
        read(settings("production") | {f"living-fortress:{key}": value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("clouds", "keeper", "kept"),
    [(["aws", "azure", "gcp"], None, "aws"), (["azure", "gcp"], None, "gcp"), (["aws", "azure", "gcp"], "gcp", "gcp")],
)
def test_the_first_suitable_cloud_is_the_keeper_by_default(clouds: list[str], keeper: str | None, kept: str) -> None:
    changes = {"living-fortress:clouds": clouds, "living-fortress:personalData": {"keeper": keeper}}
    assert read(settings("production") | changes).key_keeper == kept


def test_the_ledger_detects_canary_tokens_only_if_the_setting_says_so() -> None:
    silent = read(settings("production"))
    noticing = read(settings("production") | {"living-fortress:camouflage": {"noticesTokens": True}})
    assert {silent.canary_secret(cloud) for cloud in silent.clouds} == {None}
    assert [noticing.canary_secret(cloud) for cloud in ("aws", "azure", "gcp")] == [
        "production/canary-key",
        "production-canary-key",
        "production-canary-key",
    ]


def test_a_bucket_of_the_stack_needs_a_keeper() -> None:
    local = settings("local")
    local["living-fortress:personalData"] |= {"erasureLog": "bucket"}
    with pytest.raises(InvalidSettings, match=r"personalData\.erasureLog bucket needs a keeper") as refused:
        read(local, "local")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("stack", "personal", "log"),
    [
        ("local", {}, "databases"),
        ("dev", {}, "bucket"),
        ("staging", {}, "bucket"),
        ("production", {}, "bucket"),
        ("production", {"erasureLog": "bucket", "keeper": "gcp", "copyRegion": "europe-west4"}, "bucket"),
        ("production", {"erasureLog": "databases", "copyRegion": None}, "databases"),
        ("dev", {"erasureLog": "aws-s3:eu-west-1/own/erasures"}, "aws-s3:eu-west-1/own/erasures"),
    ],
)
def test_the_erasure_log_is_a_bucket_unless_settings_say_otherwise(
    stack: str, personal: dict[str, Any], log: str
) -> None:
    configuration = settings(stack)
    configuration["living-fortress:personalData"] = configuration.get("living-fortress:personalData", {}) | personal
    assert read(configuration, stack).erasure_log == log


def test_a_preview_logs_erasures_in_a_bucket() -> None:
    environment = read(settings("preview") | {"living-fortress:expires": "2030-01-31"}, "preview-7")
    assert (environment.erasure_log, environment.key_keeper) == ("bucket", "aws")


def test_every_fault_is_reported_not_only_the_first() -> None:
    changed = with_change("database.size", "huge") | {"living-fortress:surprise": 1}
    del changed["living-fortress:owner"]
    with pytest.raises(InvalidSettings) as raised:
        read(changed)
    assert len(str(raised.value).splitlines()) == 3
    assert "living-fortress:owner is missing; it is required" in str(raised.value)


@pytest.mark.parametrize(
    ("stack", "source", "accounts"),
    [
        ("production", "production", LOCAL_ACCOUNTS),
        ("production", "production", REHEARSAL_ACCOUNTS),
        ("rehearsal-production", "production", None),
        ("local", "production", None),
        ("rehearsal-production", "production", LOCAL_ACCOUNTS),
    ],
)
def test_a_stack_never_takes_the_accounts_of_another_mode(stack: str, source: str, accounts: Any) -> None:
    configuration = settings(source)
    if accounts is not None:
        configuration["living-fortress:accounts"] = accounts.model_dump(by_alias=True)
    with pytest.raises(InvalidSettings, match="accounts name a"):
        read(configuration, stack)


def test_a_rehearsal_has_the_name_and_tags_of_what_it_rehearses() -> None:
    configuration = settings("production")
    configuration["living-fortress:accounts"] = REHEARSAL_ACCOUNTS.model_dump(by_alias=True)
    environment = read(configuration, "rehearsal-production")
    assert environment.mode is ExecutionMode.REHEARSAL
    assert environment.tags == read(settings("production")).tags


@pytest.mark.parametrize("stack", ["prod", "preview", "preview-x", "Local", "rehearsal-nothing", ""])
def test_a_stack_that_is_no_environment_is_refused(stack: str) -> None:
    with pytest.raises(InvalidSettings, match="not an environment"):
        read(settings("production"), stack)


def test_pulumi_declares_exactly_the_settings_that_are_read() -> None:
    declared = yaml.safe_load((CONFIG.parents[1] / "Pulumi.yaml").read_text())["config"]
    read_keys = {field.alias for name, field in Environment.model_fields.items() if name != "name"}
    assert set(declared) == read_keys - {"expires"}
