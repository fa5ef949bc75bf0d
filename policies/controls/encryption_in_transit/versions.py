"""The oldest TLS that is spoken."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policies import (
    HIGH,
    NOT_APPLICABLE,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fixed_by,
    in_stack,
    passes_if,
    sets,
)
from policies.clouds.data_stores import texts_if_known
from policies.controls.encryption_in_transit import (
    CLASSIC_BALANCER,
    CLASSIC_ENCRYPTED,
    ENCRYPTED,
    EVIDENCE,
    LISTENER,
    control,
)
from policies.property_checks import SET, Property, check_properties

tls_version = control(
    "TLS-002",
    title="Nothing older than TLS 1.2 is spoken",
    severity=HIGH,
    maps=EVIDENCE,
    remedy="Set the lowest version to TLS 1.2 or 1.3.",
)

_ELB = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)(-\w+)*-20\d\d-\d\d")
_CLOUDFRONT = re.compile(r"TLSv1\.[23]_20\d\d")
_OPENSEARCH = re.compile(r"Policy-Min-TLS-1-[23](-\w+)*-20\d\d-\d\d")
_API_GATEWAY = re.compile(r"TLS_1_2|SecurityPolicy_TLS1[23]_.+")
_AZURE = ("1.2", "1.3", "TLS1_2", "TLS1_3", "Tls12", "Tls13")
_DATABASE = ("TLSv1.2", "TLSv1.3")


def _version(resource: Resource, path: str, allowed: re.Pattern[str] | tuple[str, ...]) -> Verdict:
    found = resource.text(path, "not set")
    fits = found in allowed if isinstance(allowed, tuple) else allowed.fullmatch(found) is not None
    return passes_if(fits, f"{path} is {found}")


@tls_version
@applies_to(LISTENER, reads=["protocol", "sslPolicy"])
@fixed_by(sets("sslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06"))
def load_balancer_speaks_new_tls(listener: Resource) -> Verdict:
    return _version(listener, "sslPolicy", _ELB) if listener.text("protocol") in ENCRYPTED else NOT_APPLICABLE


_NEGOTIATION = "aws:elb/sslNegotiationPolicy:SslNegotiationPolicy"
_OF_LISTENER, _OF_BALANCER = (
    "aws:elb/listenerPolicy:ListenerPolicy",
    "aws:elb/loadBalancerPolicy:LoadBalancerPolicy",
)
_REFERENCE, _PROTOCOL = "Reference-Security-Policy", "Protocol-"
_NEW_PROTOCOLS = ("Protocol-TLSv1.2", "Protocol-TLSv1.3")


@tls_version
@in_stack(CLASSIC_BALANCER, reads=["listeners.lbProtocol", "listeners.lbPort"])
def classic_load_balancer_speaks_new_tls(balancer: Resource, stack: Stack) -> Verdict:
    """A listener without a policy of its own takes one of AWS that speaks TLS 1.0."""
    listeners = balancer.objects("listeners")
    ports = [
        listener.number("lbPort") for listener in listeners if listener.text("lbProtocol").upper() in CLASSIC_ENCRYPTED
    ]
    if not ports:
        return NOT_APPLICABLE
    old = [port for port in ports if not _has_new_policy(balancer, port, stack)]
    return passes_if(not old, f"no policy without older versions belongs to {', '.join(map(str, old))}")


def _has_new_policy(balancer: Resource, port: float, stack: Stack) -> bool:
    found = [
        companion.objects("attributes")
        for companion in stack.companions(balancer, _NEGOTIATION, by="loadBalancer")
        if companion.number("lbPort") == port
    ]
    for listener in stack.companions(balancer, _OF_LISTENER, by="loadBalancerName"):
        if listener.number("loadBalancerPort") == port:
            found += [policy.objects("policyAttributes") for policy in _policies_named_by(listener, stack)]
    return any(map(_is_new, found))


def _policies_named_by(listener: Resource, stack: Stack) -> list[Resource]:
    path = "policyNames"
    named = texts_if_known(listener, path) or ()
    policies = stack.of_type(_OF_BALANCER)
    return [policy for policy in policies if stack.refers(listener, path, policy) or policy.text("policyName") in named]


def _is_new(attributes: Iterable[View]) -> bool:
    """Tell whether only new protocols are on: by the AWS policy it follows, or one by one."""
    said = {attribute.text("name"): attribute.text("value") for attribute in attributes}
    if _REFERENCE in said:
        return _ELB.fullmatch(said[_REFERENCE]) is not None
    spoken = [name for name, value in said.items() if name.startswith(_PROTOCOL) and value.lower() == "true"]
    return bool(spoken) and all(name in _NEW_PROTOCOLS for name in spoken)


@tls_version
@applies_to("aws:cloudfront/distribution:Distribution", reads=["viewerCertificate.minimumProtocolVersion"])
def cloudfront_speaks_new_tls(distribution: Resource) -> Verdict:
    return _version(distribution, "viewerCertificate.minimumProtocolVersion", _CLOUDFRONT)


@tls_version
@applies_to("aws:apigateway/domainName:DomainName", reads=["securityPolicy"])
@fixed_by(sets("securityPolicy", "TLS_1_2"))
def api_gateway_speaks_new_tls(domain: Resource) -> Verdict:
    return _version(domain, "securityPolicy", _API_GATEWAY)


@tls_version
@applies_to("aws:opensearch/domain:Domain", reads=["domainEndpointOptions.tlsSecurityPolicy"])
@fixed_by(sets("domainEndpointOptions.tlsSecurityPolicy", "Policy-Min-TLS-1-2-PFS-2023-10"))
def opensearch_speaks_new_tls(domain: Resource) -> Verdict:
    return _version(domain, "domainEndpointOptions.tlsSecurityPolicy", _OPENSEARCH)


@tls_version
@applies_to(
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    reads=["family", "parameters.name", "parameters.value"],
)
def rds_speaks_new_tls(group: Resource) -> Verdict:
    """PostgreSQL itself speaks TLS 1.2 or newer where nobody says otherwise."""
    if not group.text("family").removeprefix("aurora-").startswith("postgres"):
        return NOT_APPLICABLE
    set_ = [
        parameter for parameter in group.objects("parameters") if parameter.text("name") == "ssl_min_protocol_version"
    ]
    versions = [parameter.text("value") for parameter in set_]
    return passes_if(
        all(version in _DATABASE for version in versions), f"ssl_min_protocol_version is {', '.join(versions)}"
    )


@tls_version
@applies_to("azure-native:storage:StorageAccount", reads=["minimumTlsVersion"])
@fixed_by(sets("minimumTlsVersion", "TLS1_2"))
def storage_account_speaks_new_tls(account: Resource) -> Verdict:
    return _version(account, "minimumTlsVersion", _AZURE)


@tls_version
@applies_to(
    "azure-native:redis:Redis",
    "azure-native:eventhub:Namespace",
    "azure-native:servicebus:Namespace",
    reads=["minimumTlsVersion"],
)
@fixed_by(sets("minimumTlsVersion", "1.2"))
def azure_service_speaks_new_tls(service: Resource) -> Verdict:
    return _version(service, "minimumTlsVersion", _AZURE)


@tls_version
@applies_to("azure-native:sql:Server", "azure-native:cosmosdb:DatabaseAccount", reads=["minimalTlsVersion"])
@fixed_by(sets("minimalTlsVersion", "1.2"), "azure-native:sql:Server")
@fixed_by(sets("minimalTlsVersion", "Tls12"), "azure-native:cosmosdb:DatabaseAccount")
def azure_database_speaks_new_tls(database: Resource) -> Verdict:
    return _version(database, "minimalTlsVersion", _AZURE)


@tls_version
@applies_to("azure-native:web:WebApp", reads=["siteConfig.minTlsVersion"])
@fixed_by(sets("siteConfig.minTlsVersion", "1.2"))
def web_app_speaks_new_tls(app: Resource) -> Verdict:
    return _version(app, "siteConfig.minTlsVersion", _AZURE)


@tls_version
@applies_to("azure-native:dbforpostgresql:Configuration", reads=["configurationName", "value"])
@fixed_by(sets("value", "TLSv1.2"))
def azure_server_speaks_new_tls(setting: Resource) -> Verdict:
    if setting.text("configurationName") != "ssl_min_protocol_version":
        return NOT_APPLICABLE
    return _version(setting, "value", _DATABASE)


@tls_version
@applies_to("gcp:compute/sSLPolicy:SSLPolicy", reads=["minTlsVersion"])
@fixed_by(sets("minTlsVersion", "TLS_1_2"))
def ssl_policy_speaks_new_tls(policy: Resource) -> Verdict:
    return _version(policy, "minTlsVersion", ("TLS_1_2", "TLS_1_3"))


tls_version_properties = check_properties(
    tls_version,
    # Google Cloud's own policy takes TLS 1.0; the policy that is named is judged where it is made.
    Property(
        (
            "gcp:compute/targetHttpsProxy:TargetHttpsProxy",
            "gcp:compute/targetSSLProxy:TargetSSLProxy",
            "gcp:compute/regionTargetHttpsProxy:RegionTargetHttpsProxy",
        ),
        "sslPolicy",
        SET,
    ),
)
