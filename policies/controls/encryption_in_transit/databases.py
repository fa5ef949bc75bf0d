"""Connections to databases, caches, brokers and search domains."""

from __future__ import annotations

import re

from policies import (
    HIGH,
    MEDIUM,
    NOT_APPLICABLE,
    Fix,
    Properties,
    Resource,
    Verdict,
    View,
    WrongShape,
    applies_to,
    fails,
    fixed_by,
    not_applicable,
    passes_if,
    sets,
    with_value,
)
from policies.controls.encryption_in_transit import EVIDENCE, control
from policies.property_checks import OFF, Property, check_properties
from policies.values import unwrap

TLS_ONLY = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
REQUIRES_TLS = "require_secure_transport"
RDS_GROUP = "aws:rds/parameterGroup:ParameterGroup"
RDS_CLUSTER_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
PARAMETERS = ["family", "parameters.name", "parameters.value"]

database_tls = control(
    "TLS-004",
    title="Database connections require TLS",
    severity=HIGH,
    maps=EVIDENCE,
    remedy="Make the server refuse connections without TLS: rds.force_ssl, require_secure_transport or sslMode.",
)


def with_parameter(name: str, value: str) -> Fix:
    """Return the fix that sets one parameter of a parameter group and leaves the others."""

    def fix(group: Properties) -> Properties:
        parameters = unwrap(group.get("parameters") or [], "parameters")
        if not isinstance(parameters, list):
            raise WrongShape("parameters", "a list", parameters)
        others = [parameter for parameter in parameters if unwrap(parameter, "parameters").get("name") != name]
        return {**group, "parameters": [*others, {"name": name, "value": value}]}

    return fix


def _parameter(group: Resource, name: str) -> str:
    """Return the value of a parameter, nothing where it is not set."""
    found = [parameter for parameter in group.objects("parameters") if parameter.text("name") == name]
    return found[-1].text("value") if found else ""


_FORCED = (
    ("postgres", "rds.force_ssl"),
    ("sqlserver", "rds.force_ssl"),
    ("mysql", REQUIRES_TLS),
    ("mariadb", REQUIRES_TLS),
)
_ON = ("1", "on", "true")
_POSTGRES = re.compile(r"postgres(\d+)(\.\d+)?")
_FORCING_POSTGRES = 15
"""From this version on RDS for PostgreSQL forces TLS where nobody says otherwise (Amazon RDS User Guide, SSL)."""


def _forcing(family: str) -> str:
    """Return the parameter that refuses connections without TLS; nothing where the engine has none."""
    engine = family.removeprefix("aurora-")
    return next((name for start, name in _FORCED if engine.startswith(start)), "")


def with_forced_tls(group: Properties) -> Properties:
    """Sets the parameter that the group's engine has for it."""
    name = _forcing(View(value=group).text("family"))
    return with_parameter(name, "1")(group) if name else group


@database_tls
@applies_to(RDS_GROUP, RDS_CLUSTER_GROUP, reads=PARAMETERS)
@fixed_by(with_forced_tls)
def rds_forces_tls(group: Resource) -> Verdict:
    family = group.text("family")
    name = _forcing(family)
    if not name:
        return not_applicable(f"family {family} has its TLS elsewhere")
    if group.type == RDS_GROUP and family.startswith("aurora-"):
        return not_applicable("Aurora takes the parameter from the group of its cluster")
    value = _parameter(group, name)
    forces_untold = (version := _POSTGRES.fullmatch(family)) and int(version.group(1)) >= _FORCING_POSTGRES
    return passes_if(value.lower() in _ON or (not value and bool(forces_untold)), f"{name} is {value or 'not set'}")


_DOCDB_ON = ("enabled", "fips-140-3", "tls1.2+", "tls1.3+")


@database_tls
@applies_to("aws:docdb/clusterParameterGroup:ClusterParameterGroup", reads=["parameters.name", "parameters.value"])
@fixed_by(with_parameter("tls", "enabled"))
def docdb_requires_tls(group: Resource) -> Verdict:
    """DocumentDB asks for TLS unless somebody turns it off."""
    value = _parameter(group, "tls") or _DOCDB_ON[0]
    return passes_if(value in _DOCDB_ON, f"tls is {value}")


@database_tls
@applies_to("aws:redshift/parameterGroup:ParameterGroup", reads=["parameters.name", "parameters.value"])
@fixed_by(with_parameter("require_ssl", "true"))
def redshift_requires_tls(group: Resource) -> Verdict:
    value = _parameter(group, "require_ssl")
    return passes_if(value == "true", f"require_ssl is {value or 'not set'}")


@database_tls
@applies_to(
    "azure-native:dbforpostgresql:Configuration",
    "azure-native:dbformysql:Configuration",
    reads=["configurationName", "value"],
)
@fixed_by(sets("value", "ON"))
def azure_server_requires_tls(setting: Resource) -> Verdict:
    if setting.text("configurationName") != REQUIRES_TLS:
        return NOT_APPLICABLE
    value = setting.text("value", "not set")
    return passes_if(value.upper() == "ON", f"{REQUIRES_TLS} is {value}")


database_tls_properties = check_properties(
    database_tls,
    Property(
        "gcp:sql/databaseInstance:DatabaseInstance", "settings.ipConfiguration.sslMode", TLS_ONLY, fix="ENCRYPTED_ONLY"
    ),
)


cache_tls = control(
    "TLS-005",
    title="Traffic of caches and brokers is encrypted",
    severity=HIGH,
    maps=EVIDENCE,
    remedy="Turn encryption in transit on and plain ports off; ElastiCache and Memorystore take it when they are made.",
)


_TLS_MODE = "transitEncryptionMode"
_CLIENT_BROKER, _IN_CLUSTER = (f"encryptionInfo.encryptionInTransit.{name}" for name in ("clientBroker", "inCluster"))


def speaking_tls_only(cache: Properties) -> Properties:
    """Turns encryption on; only engines that know the mode have one, and only there it can be the wrong one."""
    cache = with_value(cache, "transitEncryptionEnabled", True)
    return with_value(cache, _TLS_MODE, "required") if View(value=cache).has(_TLS_MODE) else cache


@cache_tls
@applies_to("aws:elasticache/replicationGroup:ReplicationGroup", reads=["transitEncryptionEnabled", _TLS_MODE])
@fixed_by(speaking_tls_only, replaces=True)
def elasticache_speaks_tls(cache: Resource) -> Verdict:
    if not cache.flag("transitEncryptionEnabled"):
        return fails("transitEncryptionEnabled is off")
    mode = cache.text(_TLS_MODE, default="required")
    return passes_if(mode == "required", f"{_TLS_MODE} is {mode}")


@cache_tls
@applies_to("aws:elasticache/cluster:Cluster", reads=["replicationGroupId", "transitEncryptionEnabled"])
@fixed_by(sets("transitEncryptionEnabled", True), replaces=True)
def single_cache_speaks_tls(cache: Resource) -> Verdict:
    if cache.has("replicationGroupId"):
        return not_applicable("its replication group says how it talks")
    return passes_if(cache.flag("transitEncryptionEnabled"), "transitEncryptionEnabled is off")


@cache_tls
@applies_to("aws:msk/cluster:Cluster", reads=[_CLIENT_BROKER, _IN_CLUSTER])
@fixed_by(sets(_CLIENT_BROKER, "TLS"))
def kafka_speaks_tls(cluster: Resource) -> Verdict:
    """No fix between brokers: it is another cluster."""
    if not cluster.flag(_IN_CLUSTER, default=True):
        return fails("brokers talk to each other in the clear")
    mode = cluster.text(_CLIENT_BROKER, default="TLS")
    return passes_if(mode == "TLS", f"clientBroker is {mode}")


cache_tls_properties = check_properties(
    cache_tls,
    Property("azure-native:redis:Redis", "enableNonSslPort", OFF, found="the port without TLS is open", fix=False),
    Property(
        "gcp:redis/instance:Instance",
        "transitEncryptionMode",
        "SERVER_AUTHENTICATION",
        fix="SERVER_AUTHENTICATION",
        replaces=True,
    ),
)


search_tls = control(
    "TLS-006",
    title="Search domains encrypt all their traffic",
    severity=MEDIUM,
    maps=EVIDENCE,
    remedy="Turn encryption between nodes on, and make clients use HTTPS.",
    link="https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ntn.html",
)


@search_tls
@applies_to(
    "aws:opensearch/domain:Domain", reads=["nodeToNodeEncryption.enabled", "domainEndpointOptions.enforceHttps"]
)
def opensearch_encrypts_traffic(domain: Resource) -> Verdict:
    if not domain.flag("nodeToNodeEncryption.enabled"):
        return fails("nodeToNodeEncryption is off")
    return passes_if(domain.flag("domainEndpointOptions.enforceHttps"), "enforceHttps is off")
