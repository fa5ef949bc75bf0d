"""Encryption in transit: what leaves a process is readable by its addressee only."""

from __future__ import annotations

from policies import (
    HIGH,
    NOT_APPLICABLE,
    Resource,
    Theme,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    passes_if,
    sets,
)

control = Theme("encryption-in-transit", "Encryption in transit").control

TLS_ONLY = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")

database_tls = control(
    "TLS-004",
    title="Database connections require TLS",
    severity=HIGH,
    maps={
        "soc2": ["CC6.7"],
        "iso27001": ["A.8.20", "A.8.24"],
        "gdpr": ["Art. 32(1)(a)"],
        "pci_dss": ["4.2.1"],
    },
    remedy="Make the server refuse connections without TLS: rds.force_ssl, require_secure_transport or sslMode.",
)


@database_tls
@applies_to("aws:rds/parameterGroup:ParameterGroup", reads=["family", "parameters.name", "parameters.value"])
def postgres_forces_tls(group: Resource) -> Verdict:
    if not group.text("family").startswith("postgres"):
        return NOT_APPLICABLE
    for parameter in group.objects("parameters"):
        if parameter.text("name") == "rds.force_ssl":
            return passes_if(parameter.text("value") == "1", "rds.force_ssl is off")
    return fails("rds.force_ssl is not set")


@database_tls
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=["settings.ipConfiguration.sslMode"])
@fixed_by(sets("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY"))
def cloud_sql_requires_tls(instance: Resource) -> Verdict:
    mode = instance.text("settings.ipConfiguration.sslMode", "not set")
    return passes_if(mode in TLS_ONLY, f"sslMode is {mode}")
