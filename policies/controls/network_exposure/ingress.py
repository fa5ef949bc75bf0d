"""What stands at the entrances of the web and of clusters."""

from __future__ import annotations

from pydantic import Field

from policies import (
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    in_stack,
    not_applicable,
    passes_if,
)
from policies.clouds.addresses import Sources
from policies.controls.network_exposure import EVIDENCE, control
from policies.property_checks import SET, Property, check_properties

web_firewall = control(
    "NET-009",
    title="Public web entrances have a web application firewall",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.6", "CC6.8"],
        "iso27001": ["A.8.20", "A.8.26"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["6.4.2"],
    },
    remedy="Put a web application firewall in front of it.",
)
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"


@web_firewall
@in_stack("aws:lb/loadBalancer:LoadBalancer", reads=["internal", "loadBalancerType"])
def load_balancer_has_firewall(balancer: Resource, stack: Stack) -> Verdict:
    kind = balancer.text("loadBalancerType", "application")
    if kind != "application" or balancer.flag("internal"):
        return not_applicable("no web entrance from the internet")
    return passes_if(bool(stack.companions(balancer, _ASSOCIATION, by="resourceArn")), "no web ACL is associated")


web_firewall_properties = check_properties(
    web_firewall,
    Property("aws:cloudfront/distribution:Distribution", "webAclId", SET),
)


@web_firewall
@applies_to(
    "azure-native:network:ApplicationGateway",
    reads=["sku.tier", "firewallPolicy.id", "webApplicationFirewallConfiguration.enabled"],
)
def application_gateway_has_firewall(gateway: Resource) -> Verdict:
    tier = gateway.text("sku.tier", "not set")
    if not tier.startswith("WAF"):
        return fails(f"sku.tier is {tier}")
    own = gateway.flag("webApplicationFirewallConfiguration.enabled")
    return passes_if(gateway.has("firewallPolicy.id") or own, "it has no firewall policy")


@web_firewall
@applies_to("gcp:compute/backendService:BackendService", reads=["loadBalancingScheme", "securityPolicy"])
def backend_service_has_firewall(service: Resource) -> Verdict:
    scheme = service.text("loadBalancingScheme", "EXTERNAL")
    if scheme.startswith("INTERNAL"):
        return not_applicable(f"loadBalancingScheme is {scheme}")
    return passes_if(service.has("securityPolicy"), "securityPolicy is not set")


class Entrances(Sources):
    """Options of NET-014."""

    public_entrances: tuple[str, ...] = Field(
        default=(), description="Names of Services and EnvoyProxies that may have a public load balancer."
    )


inner_balancer = control(
    "NET-014",
    title="Load balancers of clusters are reached from inside, unless they are agreed to be public",
    severity=MEDIUM,
    maps=EVIDENCE,
    remedy="Ask for an internal load balancer by the cloud's annotation, name its clients' networks in"
    " loadBalancerSourceRanges, or name it in the option publicEntrances.",
    options=Entrances,
)
INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    "networking.gke.io/load-balancer-type": ("Internal",),
    "cloud.google.com/load-balancer-type": ("Internal",),
}
"""The annotations by which each cloud is, or was once, asked for an address inside the network."""
_AWS_SCHEME = next(iter(INTERNAL))
_RANGES = "loadBalancerSourceRanges"
NO_BALANCER = not_applicable("it has no load balancer")


def _judge_balancer(service: View, annotations: dict[str, str], name: str, options: Entrances) -> Verdict:
    """A public address that only named networks reach is not reached by anybody."""
    asked = any(annotations.get(key) in values for key, values in INTERNAL.items())
    inside = asked and annotations.get(_AWS_SCHEME, "internal") == "internal"
    if inside or name in options.public_entrances:
        return PASS
    ranges = service.texts("loadBalancerSourceRanges")
    return passes_if(bool(ranges) and not options.any_open(ranges, _RANGES), "it gets a public address")


@inner_balancer
@applies_to(
    "kubernetes:core/v1:Service",
    reads=["spec.type", "metadata.name", "metadata.annotations", "spec.loadBalancerSourceRanges"],
)
def service_is_internal(service: Resource, options: Entrances) -> Verdict:
    if service.text("spec.type", "ClusterIP") != "LoadBalancer":
        return NO_BALANCER
    annotations = service.table("metadata.annotations")
    return _judge_balancer(service.object("spec"), annotations, service.text("metadata.name"), options)


_PROXY = "spec.provider.kubernetes.envoyService"


@inner_balancer
@applies_to(
    "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy",
    reads=[f"{_PROXY}.type", f"{_PROXY}.annotations", "metadata.name", f"{_PROXY}.loadBalancerSourceRanges"],
)
def proxy_is_internal(proxy: Resource, options: Entrances) -> Verdict:
    service = proxy.object(_PROXY)
    if service.text("type", "LoadBalancer") != "LoadBalancer":
        return NO_BALANCER
    return _judge_balancer(service, service.table("annotations"), proxy.text("metadata.name"), options)


named_hosts = control(
    "NET-015",
    title="Entrances of clusters answer for named hosts only",
    severity=MEDIUM,
    maps={**EVIDENCE, "iso27001": ["A.8.20", "A.8.26"], "pci_dss": ["1.3.1", "2.2.4"]},
    remedy="Name the hosts; a name of another zone that points here then gets no answer.",
)


def _is_host(host: str) -> bool:
    """A name, also one with a wildcard for its first label; not a wildcard alone."""
    return bool(host.removeprefix("*.").strip("*"))


@named_hosts
@applies_to("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", reads=["spec.hostnames"])
def route_names_hosts(route: Resource) -> Verdict:
    hosts = route.texts("spec.hostnames")
    return passes_if(bool(hosts) and all(map(_is_host, hosts)), "it takes what comes for any host")


@named_hosts
@applies_to("kubernetes:networking.k8s.io/v1:Ingress", reads=["spec.rules.host"])
def ingress_names_hosts(ingress: Resource) -> Verdict:
    rules = ingress.objects("spec.rules")
    if ingress.exists("spec.defaultBackend"):
        return fails("its default backend takes what comes for any host")
    return passes_if(bool(rules) and all(_is_host(rule.text("host")) for rule in rules), "a rule is for any host")
