"""Names that every service accepts: one rule per kind of resource, with its source, and `fit`, which applies it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_HASH = 6


class NameTooPoor(ValueError):
    """No part of the wanted name is usable under the service's rule."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The naming rule of one kind of resource. All allow lower case letters, digits and `-`, and a letter first."""

    longest: int
    shortest: int = 1
    separator: str = "-"
    """What joins the parts; empty where the service allows letters and digits only."""
    source: str
    """Where the service states the rule."""


RDS_INSTANCE = Rule(
    longest=63, source="Amazon RDS API, CreateDBInstance, DBInstanceIdentifier: 1 to 63, no `--`, no final `-`"
)
RDS_GROUP = Rule(longest=255, source="Amazon RDS API, CreateDBParameterGroup and CreateDBSubnetGroup: 1 to 255")
KMS_ALIAS = Rule(
    longest=250, source="AWS KMS API, CreateAlias, AliasName: 1 to 256 with `alias/`, which may not be followed by aws/"
)
IAM_ROLE = Rule(longest=64, source="AWS IAM API, CreateRole, RoleName: 1 to 64")
EKS_CLUSTER = Rule(longest=100, source="Amazon EKS API, CreateCluster, name: 1 to 100")
SECURITY_GROUP = Rule(
    longest=255, source="Amazon EC2 API, CreateSecurityGroup, GroupName: at most 255, not beginning with sg-"
)

RESOLVER = Rule(
    longest=64, source="Route 53 Resolver API, CreateResolverEndpoint and CreateResolverRule, Name: at most 64"
)
SECRET = Rule(
    longest=505, source="AWS Secrets Manager API, CreateSecret, Name: 1 to 512, not ending in `-` and six characters"
)
S3_BUCKET = Rule(
    longest=63,
    shortest=3,
    source="Amazon S3 User Guide, General purpose bucket naming rules: 3 to 63, global, ends other than -s3alias",
)

AZURE_RESOURCE = Rule(longest=80, source="Azure naming rules, Microsoft.Network: 1 to 80 (most kinds)")
AZURE_VNET = Rule(longest=64, shortest=2, source="Azure naming rules, Microsoft.Network/virtualNetworks: 2 to 64")
AZURE_RESOURCE_GROUP = Rule(longest=90, source="Azure naming rules, Microsoft.Resources/resourceGroups: 1 to 90")
AZURE_IDENTITY = Rule(longest=128, shortest=3, source="Azure naming rules, Microsoft.ManagedIdentity: 3 to 128")
AZURE_WORKSPACE = Rule(
    longest=63, shortest=4, source="Azure naming rules, Microsoft.OperationalInsights/workspaces: 4 to 63"
)
AZURE_POSTGRES = Rule(
    longest=63, shortest=3, source="Azure naming rules, DBforPostgreSQL/flexibleServers: 3 to 63, global"
)
AKS_CLUSTER = Rule(longest=63, source="Azure naming rules, Microsoft.ContainerService/managedClusters: 1 to 63")
KEY_VAULT = Rule(
    longest=24, shortest=3, source="Azure naming rules, Microsoft.KeyVault/vaults: 3 to 24, global, no `--`"
)
KEY_VAULT_KEY = Rule(longest=127, source="Azure naming rules, Microsoft.KeyVault/vaults/keys: 1 to 127")

GCP_RESOURCE = Rule(longest=63, source="Compute Engine, resource naming convention: RFC 1035 label, 1 to 63")
GCP_SERVICE_ACCOUNT = Rule(
    longest=30, shortest=6, source="IAM API, projects.serviceAccounts.create, accountId: 6 to 30"
)
GCP_ROLE = Rule(
    longest=64,
    shortest=3,
    separator="",
    source="IAM API, projects.roles.create, roleId: 3 to 64 of [a-zA-Z0-9_.]; a deleted one stays taken for 37 days",
)
GCP_POOL = Rule(
    longest=32, shortest=4, source="IAM API, workloadIdentityPoolId: 4 to 32 of a-z0-9-, not beginning with gcp-"
)
GCP_LOG_BUCKET = Rule(longest=100, source="Cloud Logging API, bucketId and LogSink.name: up to 100 of [A-Za-z0-9_-]")
GCS_BUCKET = Rule(
    longest=63, shortest=3, source="Cloud Storage, Bucket name requirements: 3 to 63, global, not beginning with goog"
)
GCP_KEY = Rule(longest=63, source="Cloud KMS API, keyRingId and cryptoKeyId: [a-zA-Z0-9_-]{1,63}")
GKE_CLUSTER = Rule(longest=40, source="Kubernetes Engine API, projects.locations.clusters, name: at most 40")
CLOUD_SQL = Rule(
    longest=80, source="Cloud SQL, instance settings: project id and instance id together at most 98; ids have up to 30"
)


def fit(rule: Rule, *parts: str, salt: str = "") -> str:
    """Join the parts into a name that the rule allows; the same parts always give the same name.

    A name that is too long keeps its beginning and ends in a hash of the whole, so two long names stay different.
    With `salt` (an account id, a generation) the hash is always added: for names that must be globally unique, or
    that stay taken for a while after a deletion. Raises NameTooPoor.
    """
    words = [word for part in parts for word in re.findall(r"[a-z0-9]+", part.lower())]
    name = rule.separator.join(words)
    if not name or not name[0].isalpha():
        raise NameTooPoor(
            f"{'-'.join(parts)!r}: a name must begin with a letter and hold letters or digits ({rule.source})"
        )
    if salt or len(name) > rule.longest:
        digest = hashlib.sha256("\0".join((*parts, salt)).encode()).hexdigest()[:_HASH]
        kept = name[: rule.longest - _HASH - len(rule.separator)].rstrip("-")
        name = f"{kept}{rule.separator}{digest}"
    return name + "0" * (rule.shortest - len(name))
