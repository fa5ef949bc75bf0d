"""Listeners, distributions, web apps and object storage."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from policies import (
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    in_turn,
    not_applicable,
    not_determinable,
    passes_if,
    sets,
)
from policies.clouds.iam_documents import EVERYONE, actions, allows, principals, resources, statements
from policies.controls.encryption_in_transit import (
    CLASSIC_BALANCER,
    CLASSIC_ENCRYPTED,
    ENCRYPTED,
    EVIDENCE,
    LISTENER,
    control,
)
from policies.property_checks import OFF, ON, Property, check_properties

REDIRECTING = ("https-only", "redirect-to-https")
GOOGLES_OWN = ("all-apis", "vpc-sc")
"""Targets of Private Service Connect that mean Google's APIs."""
GATEWAY_API = "kubernetes:gateway.networking.k8s.io/v1"

no_plain_http = control(
    "TLS-001",
    title="Public entrances serve HTTPS only",
    severity=HIGH,
    maps={**EVIDENCE, "iso27001": ["A.8.20", "A.8.24", "A.8.26"], "pci_dss": ["2.2.7", "4.2.1"]},
    remedy="Serve HTTPS, and let plain HTTP do nothing but redirect to it.",
)


@no_plain_http
@applies_to(LISTENER, reads=["protocol", "defaultActions.type", "defaultActions.redirect.protocol"])
def load_balancer_serves_https(listener: Resource) -> Verdict:
    protocol = listener.text("protocol", "not set")
    if protocol in ("TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"):
        return not_applicable(f"{protocol} is passed on as it is")
    if protocol in ENCRYPTED:
        return PASS
    redirects = _only_to_https(listener, "defaultActions")
    return passes_if(redirects, f"protocol is {protocol}, and it does not redirect")


def _only_to_https(holder: View, path: str) -> bool:
    """Tell whether its actions only redirect to HTTPS; a redirect without a protocol keeps its own."""
    actions = holder.objects(path)
    redirects = [
        action.text("type") == "redirect" and action.text("redirect.protocol") == "HTTPS" for action in actions
    ]
    return bool(redirects) and all(redirects)


@no_plain_http
@in_stack("aws:lb/listenerRule:ListenerRule", reads=["actions.type", "actions.redirect.protocol", "listenerArn"])
def rule_of_load_balancer_serves_https(rule: Resource, stack: Stack) -> Verdict:
    """A listener that redirects by default may still serve what one of its rules picks out."""
    if _only_to_https(rule, "actions"):
        return PASS
    listeners = [resource for resource in stack.of_type(LISTENER) if stack.refers(rule, "listenerArn", resource)]
    if not listeners:
        return not_determinable("its listener, which may be one for plain HTTP, is not in this stack")
    plain = [listener.name for listener in listeners if listener.text("protocol", "not set") not in ENCRYPTED]
    return passes_if(not plain, f"it serves plain HTTP at {', '.join(plain)}")


@no_plain_http
@applies_to(CLASSIC_BALANCER, reads=["listeners.lbProtocol"])
def classic_load_balancer_serves_https(balancer: Resource) -> Verdict:
    """It cannot redirect, so a listener for plain HTTP serves it."""
    protocols = [listener.text("lbProtocol", "not set").upper() for listener in balancer.objects("listeners")]
    if protocols and all(protocol == "TCP" for protocol in protocols):
        return not_applicable("TCP is passed on as it is")
    plain = [protocol for protocol in protocols if protocol not in (*CLASSIC_ENCRYPTED, "TCP")]
    return passes_if(bool(protocols) and not plain, f"protocol is {', '.join(plain) or 'not set'}")


_BEHAVIOURS = ("defaultCacheBehavior", "orderedCacheBehaviors")


@no_plain_http
@applies_to(
    "aws:cloudfront/distribution:Distribution", reads=[f"{behaviour}.viewerProtocolPolicy" for behaviour in _BEHAVIOURS]
)
@fixed_by(
    in_turn(
        sets("defaultCacheBehavior.viewerProtocolPolicy", "redirect-to-https"),
        sets("orderedCacheBehaviors[].viewerProtocolPolicy", "redirect-to-https"),
    )
)
def cloudfront_serves_https(distribution: Resource) -> Verdict:
    behaviours = [distribution.object(_BEHAVIOURS[0]), *distribution.objects(_BEHAVIOURS[1])]
    policies = [behaviour.text("viewerProtocolPolicy", "not set") for behaviour in behaviours]
    return passes_if(
        all(policy in REDIRECTING for policy in policies), f"viewerProtocolPolicy is {', '.join(policies)}"
    )


no_plain_http_properties = check_properties(
    no_plain_http,
    Property("azure-native:web:WebApp", "httpsOnly", ON, fix=True),
    Property("azure-native:app:ContainerApp", "configuration.ingress.allowInsecure", OFF, fix=False),
)


_LISTENERS, _RULES, _REDIRECTS = "httpListeners", "requestRoutingRules", "redirectConfigurations"


@no_plain_http
@applies_to(
    "azure-native:network:ApplicationGateway",
    reads=[
        *(f"{_LISTENERS}.{name}" for name in ("name", "protocol")),
        *(f"{_RULES}.{name}.id" for name in ("httpListener", "redirectConfiguration")),
        *(f"{_REDIRECTS}.{name}" for name in ("name", "targetListener.id", "targetUrl")),
    ],
)
def application_gateway_serves_https(gateway: Resource) -> Verdict:
    """A listener for plain HTTP may stand there for rules that only redirect; parts are named by the end of an id."""
    listeners = gateway.objects(_LISTENERS)
    if not listeners:
        return not_applicable("it has no listener for HTTP")
    secure = {listener.text("name") for listener in listeners if listener.text("protocol") == "Https"}
    redirects = {entry.text("name") for entry in gateway.objects(_REDIRECTS) if _leads_to_https(entry, secure)}
    serving = [
        rule
        for rule in gateway.objects(_RULES)
        if _part(rule, "httpListener.id") not in secure and _part(rule, "redirectConfiguration.id") not in redirects
    ]
    plain = sorted({_part(rule, "httpListener.id") for rule in serving})
    return passes_if(not plain, f"rules serve plain HTTP at {', '.join(plain)}")


def _part(holder: View, path: str) -> str:
    return holder.text(path).rpartition("/")[2]


def _leads_to_https(redirect: View, secure: Container[str]) -> bool:
    return _part(redirect, "targetListener.id") in secure or redirect.text("targetUrl").startswith("https://")


@no_plain_http
@in_stack("gcp:compute/globalForwardingRule:GlobalForwardingRule", reads=["portRange"])
def forwarding_rule_serves_https(rule: Resource, stack: Stack) -> Verdict:
    ports = rule.text("portRange", "not set")
    if ports in ("443", "443-443"):
        return PASS
    if ports == "not set" and rule.text("target") in GOOGLES_OWN:
        return not_applicable("it leads to Google's own services")
    proxies = stack.of_type("gcp:compute/targetHttpProxy:TargetHttpProxy")
    led_to = [proxy for proxy in proxies if stack.refers(rule, "target", proxy)]
    redirects = bool(led_to) and all(_only_redirects(proxy, stack) for proxy in led_to)
    return passes_if(redirects, f"portRange is {ports}")


def _only_redirects(proxy: Resource, stack: Stack) -> bool:
    """Tell whether all that comes to the proxy is sent to HTTPS; a map with paths of its own may serve some of it."""
    maps = [
        resource for resource in stack.of_type("gcp:compute/uRLMap:URLMap") if stack.refers(proxy, "urlMap", resource)
    ]
    return bool(maps) and all(
        map_.flag("defaultUrlRedirect.httpsRedirect") and not map_.objects("pathMatchers") for map_ in maps
    )


@no_plain_http
@applies_to("kubernetes:networking.k8s.io/v1:Ingress", reads=["spec.tls.secretName"])
def ingress_serves_https(ingress: Resource) -> Verdict:
    return passes_if(
        any(entry.has("secretName") for entry in ingress.objects("spec.tls")), "spec.tls names no certificate"
    )


@no_plain_http
@in_stack(f"{GATEWAY_API}:Gateway", reads=["metadata.name", "spec.listeners.name", "spec.listeners.protocol"])
def gateway_serves_https(gateway: Resource, stack: Stack) -> Verdict:
    """A listener for plain HTTP may stand there for routes that only redirect."""
    name = gateway.text("metadata.name")
    plain = [
        listener.text("name")
        for listener in gateway.objects("spec.listeners")
        if listener.text("protocol") not in ENCRYPTED
    ]
    routes = [route for route in stack.of_type(f"{GATEWAY_API}:HTTPRoute") if not _redirects(route)]
    serving = [listener for listener in plain if any(_is_attached(route, name, listener) for route in routes)]
    return passes_if(not serving, f"routes serve plain HTTP at {', '.join(serving)}")


def _is_attached(route: Resource, gateway: str, listener: str) -> bool:
    """Tell whether the route takes what comes to the listener: it names that one, or none of them."""
    parents = [ref for ref in route.objects("spec.parentRefs") if ref.text("name") == gateway]
    return any(parent.text("sectionName", listener) == listener for parent in parents)


def _redirects(route: Resource) -> bool:
    rules = route.objects("spec.rules")
    return bool(rules) and all(_to_https(rule) for rule in rules)


def _to_https(rule: View) -> bool:
    return any(filter_.text("requestRedirect.scheme") == "https" for filter_ in rule.objects("filters"))


_ALL_OBJECTS = re.compile(r"\*|arn:[^/]*(/\*|\*)")
"""ARNs of every object of a bucket; a folder in the pattern would leave out the others."""
_BUCKET_ITSELF = re.compile(r"\*|arn:[^/]*")
"""ARNs of the bucket, which listing and its settings are asked of."""
bucket_tls = control(
    "TLS-003",
    title="Object storage refuses plain HTTP",
    severity=HIGH,
    maps=EVIDENCE,
    remedy="Deny what comes without TLS in the bucket's policy, or turn HTTPS-only on.",
)


@bucket_tls
@in_stack("aws:s3/bucket:Bucket", reads=["bucket", "policy"])
def bucket_refuses_plain_http(bucket: Resource, stack: Stack) -> Verdict:
    """The policy may stand in the bucket itself, or be a resource of its own."""
    holders = [*stack.companions(bucket, "aws:s3/bucketPolicy:BucketPolicy", by="bucket"), bucket]
    denied = [arn for holder in holders for arn in _list_arns_denied_plain_http(holder)]
    if not any(map(_ALL_OBJECTS.fullmatch, denied)):
        has_policy = any(holder.exists("policy") for holder in holders)
        return fails("its policy does not deny what comes without TLS" if has_policy else "it has no policy")
    return passes_if(any(map(_BUCKET_ITSELF.fullmatch, denied)), "its policy denies plain HTTP for objects only")


def _list_arns_denied_plain_http(holder: Resource) -> Iterator[str]:
    for statement in statements(holder.document("policy")):
        if _denies_plain_http(statement):
            yield from resources(statement)


def _denies_plain_http(statement: View) -> bool:
    return (
        not allows(statement)
        and EVERYONE in principals(statement)
        and not {"s3:*", "*"}.isdisjoint(actions(statement))
        and _means_plain_http(statement.object("Condition"))
    )


def _means_plain_http(condition: View) -> bool:
    """Tell whether that is all it asks: whatever else stands there lets some of what comes without TLS in."""
    asked = [(operator, key) for operator, _ in condition.entries() for key, _ in condition.object(operator).entries()]
    if [(operator.lower(), key.lower()) for operator, key in asked] != [("bool", "aws:securetransport")]:
        return False
    operator, key = asked[0]
    return condition.object(operator).texts(key, alone=True) == ("false",)


bucket_tls_properties = check_properties(
    bucket_tls,
    Property("azure-native:storage:StorageAccount", "enableHttpsTrafficOnly", ON, absent=True, fix=True),
)


file_protocols = control(
    "TLS-007",
    title="No file is transferred in the clear",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.6", "CC6.7"],
        "iso27001": ["A.8.20", "A.8.21"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["2.2.4", "2.2.5"],
    },
    remedy="Turn plain FTP off.",
)


@file_protocols
@applies_to("aws:transfer/server:Server", reads=["protocols"])
def transfer_server_speaks_no_ftp(server: Resource) -> Verdict:
    return passes_if(set(server.texts("protocols")) <= {"SFTP", "FTPS", "AS2"}, "it speaks FTP")


file_protocols_properties = check_properties(
    file_protocols,
    Property("azure-native:web:WebApp", "siteConfig.ftpsState", ("Disabled", "FtpsOnly"), fix="FtpsOnly"),
)
