"""How long logs are kept: long enough for whoever asks late, and not for ever."""

from __future__ import annotations

from pydantic import Field

from policies import MEDIUM, PASS, Options, Resource, Verdict, applies_to, fixed_by, not_applicable, passes_if, sets
from policies.controls.logging_audit import control

GROUP = "aws:cloudwatch/logGroup:LogGroup"
WORKSPACE = "azure-native:operationalinsights:Workspace"
BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
DAYS, GCP_DAYS = "retentionInDays", "retentionDays"
DEFAULT_DAYS = 30
"""What Azure and Google Cloud do untold (Log Analytics, data retention; Cloud Logging, retention periods)."""
IN_PASSING = "DELIVERY"
"""A log group of this class keeps everything for one day on its way elsewhere, whatever it is told."""


class Shortest(Options):
    """Options of LOG-006."""

    minimum_log_days: int = Field(default=365, ge=1, description="Days for which logs are kept at least.")


class Longest(Options):
    """Options of LOG-012."""

    maximum_log_days: int = Field(default=1096, ge=1, description="Days for which logs are kept at most.")


kept_long = control(
    "LOG-006",
    title="Logs are kept for twelve months",
    severity=MEDIUM,
    maps={"soc2": ["CC7.2", "CC7.3"], "iso27001": ["A.5.33", "A.8.15"], "gdpr": ["Art. 5(2)"], "pci_dss": ["10.5.1"]},
    remedy="Keep logs for 365 days or more.",
    options=Shortest,
)


@kept_long
@applies_to(GROUP, reads=["logGroupClass", DAYS])
@fixed_by(sets(DAYS, 365))
def log_group_keeps_long(group: Resource, options: Shortest) -> Verdict:
    """0 means for ever."""
    if group.text("logGroupClass") == IN_PASSING:
        return not_applicable("its logs only pass through")
    days = group.number(DAYS)
    return PASS if days == 0 else _long_enough(days, options)


@kept_long
@applies_to(WORKSPACE, reads=[DAYS])
@fixed_by(sets(DAYS, 365))
def workspace_keeps_long(workspace: Resource, options: Shortest) -> Verdict:
    return _long_enough(workspace.number(DAYS, DEFAULT_DAYS), options)


@kept_long
@applies_to(BUCKET, reads=[GCP_DAYS])
@fixed_by(sets(GCP_DAYS, 365))
def log_bucket_keeps_long(bucket: Resource, options: Shortest) -> Verdict:
    return _long_enough(bucket.number(GCP_DAYS, DEFAULT_DAYS), options)


def _long_enough(days: float, options: Shortest) -> Verdict:
    return passes_if(days >= options.minimum_log_days, f"logs are kept for {days} days")


deleted_in_the_end = control(
    "LOG-012",
    title="Logs are deleted in the end",
    severity=MEDIUM,
    maps={"soc2": ["C1.2"], "iso27001": ["A.5.33", "A.8.10"], "gdpr": ["Art. 5(1)(e)"], "pci_dss": ["3.2.1"]},
    remedy="Say for how many days logs are kept; addresses and names in them are personal data.",
    options=Longest,
)


@deleted_in_the_end
@applies_to(GROUP, reads=["logGroupClass", DAYS])
def log_group_ends(group: Resource, options: Longest) -> Verdict:
    if group.text("logGroupClass") == IN_PASSING:
        return not_applicable("its logs only pass through")
    days = group.number(DAYS)
    return passes_if(False, "logs are kept for ever") if days == 0 else _short_enough(days, options)


@deleted_in_the_end
@applies_to(WORKSPACE, reads=[DAYS])
def workspace_ends(workspace: Resource, options: Longest) -> Verdict:
    return _short_enough(workspace.number(DAYS, DEFAULT_DAYS), options)


@deleted_in_the_end
@applies_to(BUCKET, reads=[GCP_DAYS])
def log_bucket_ends(bucket: Resource, options: Longest) -> Verdict:
    return _short_enough(bucket.number(GCP_DAYS, DEFAULT_DAYS), options)


def _short_enough(days: float, options: Longest) -> Verdict:
    return passes_if(days <= options.maximum_log_days, f"logs are kept for {days} days")
