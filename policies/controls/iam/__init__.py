"""Identity and access: everybody and everything has a name, little power, and no password to lose."""

from pydantic import Field

from policies import Options, Resource, Theme, Verdict, fails, not_applicable

control = Theme("iam", "Identity and access").control

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


class Namespaces(Options):
    """What controls that look at Kubernetes may be told."""

    exempt_namespaces: tuple[str, ...] = Field(
        default=SYSTEM_NAMESPACES, description="Namespaces of Kubernetes itself and of its operators."
    )


def unless_exempt(resource: Resource, options: Namespaces, found: str) -> Verdict:
    """FAIL with what was found, but in an exempt namespace."""
    namespace = resource.text("metadata.namespace")
    return (
        not_applicable(f"namespace {namespace} is exempt") if namespace in options.exempt_namespaces else fails(found)
    )


GRANTS = (
    *("gcp:projects/iAMMember:IAMMember", "gcp:organizations/iAMMember:IAMMember", "gcp:folder/iAMMember:IAMMember"),
    *("gcp:serviceaccount/iAMMember:IAMMember", "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"),
    *("gcp:kms/keyRingIAMMember:KeyRingIAMMember", "gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember"),
    *("gcp:secretmanager/secretIamMember:SecretIamMember", "gcp:pubsub/topicIAMMember:TopicIAMMember"),
)
"""The types by which Google Cloud gives one member a role, beside those that other themes look at."""
