"""Who asked for what: the access logs of load balancers, distributions, gateways and APIs."""

from __future__ import annotations

from policies import (
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fixed_by,
    in_stack,
    not_applicable,
    passes_if,
    sets,
)
from policies.controls.logging_audit import control
from policies.controls.logging_audit.exports import exports
from policies.property_checks import OFF, ON, SET, Property, check_properties

LOGGED_BALANCERS = ("application", "network")

access_logs = control(
    "LOG-003",
    title="Load balancers, distributions, gateways and APIs write access logs",
    severity=MEDIUM,
    maps={"soc2": ["CC7.2", "CC7.3"], "iso27001": ["A.8.15"], "gdpr": ["Art. 5(2)"], "pci_dss": ["10.2.1"]},
    remedy="Turn access logs on, and name where they go.",
)


@access_logs
@applies_to("aws:lb/loadBalancer:LoadBalancer", reads=["loadBalancerType", "accessLogs.enabled", "accessLogs.bucket"])
def load_balancer_is_logged(balancer: Resource) -> Verdict:
    kind = balancer.text("loadBalancerType", "application")
    if kind not in LOGGED_BALANCERS:
        return not_applicable(f"load balancers of type {kind} write no access logs")
    if not balancer.flag("accessLogs.enabled"):
        return passes_if(False, "accessLogs is off")
    return passes_if(balancer.has("accessLogs.bucket"), "accessLogs names no bucket")


@access_logs
@applies_to("aws:elb/loadBalancer:LoadBalancer", reads=["accessLogs.enabled", "accessLogs.bucket"])
def classic_load_balancer_is_logged(balancer: Resource) -> Verdict:
    """Its logs are on as soon as they have a bucket."""
    if not balancer.flag("accessLogs.enabled", default=True):
        return passes_if(False, "accessLogs is off")
    return passes_if(balancer.has("accessLogs.bucket"), "accessLogs names no bucket")


@access_logs
@in_stack("aws:cloudfront/distribution:Distribution", reads=["loggingConfig.bucket"])
def distribution_is_logged(distribution: Resource, stack: Stack) -> Verdict:
    """Standard logging of the second version is a delivery of its own."""
    if stack.companions(distribution, "aws:cloudwatch/logDeliverySource:LogDeliverySource", by="resourceArn"):
        return PASS
    return passes_if(distribution.has("loggingConfig.bucket"), "no logs are delivered")


@access_logs
@in_stack("azure-native:network:ApplicationGateway", reads=[])
def application_gateway_is_logged(gateway: Resource, stack: Stack) -> Verdict:
    return exports(gateway, stack, ["ApplicationGatewayAccessLog"], groups=())


@access_logs
@in_stack("azure-native:cdn:Profile", reads=[])
def front_door_is_logged(profile: Resource, stack: Stack) -> Verdict:
    return exports(profile, stack, ["FrontDoorAccessLog"])


@access_logs
@applies_to("gcp:compute/backendService:BackendService", reads=["loadBalancingScheme", "logConfig.enable"])
@fixed_by(sets("logConfig.enable", True))
def backend_is_logged(backend: Resource) -> Verdict:
    if backend.text("loadBalancingScheme", "EXTERNAL") == "INTERNAL_SELF_MANAGED":
        return not_applicable("proxies of one's own, not Google's, carry its traffic")
    return passes_if(backend.flag("logConfig.enable"), "logConfig is off")


access_logs_properties = check_properties(
    access_logs,
    Property(
        ("aws:apigateway/stage:Stage", "aws:apigatewayv2/stage:Stage"),
        "accessLogSettings.destinationArn",
        SET,
        found="accessLogSettings has no destination",
    ),
    Property("azure-native:web:WebApp", "siteConfig.httpLoggingEnabled", ON, fix=True),
    # Envoy Gateway writes access logs unless told not to.
    Property(
        "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy",
        "spec.telemetry.accessLog.disable",
        OFF,
        found="accessLog is disabled",
        fix=False,
    ),
)
