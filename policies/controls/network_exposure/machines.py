"""Machines, clusters and networks: no address, no default and no metadata that strangers could use."""

from __future__ import annotations

from policies import (
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    passes_if,
    sets,
)
from policies.clouds.addresses import Sources
from policies.controls.network_exposure import EVIDENCE, control
from policies.property_checks import OFF, ON, Property, check_properties

restricted_api = control(
    "NET-005",
    title="The Kubernetes API is private, or open to named networks only",
    severity=HIGH,
    maps={**EVIDENCE, "iso27001": ["A.8.20", "A.8.21"], "pci_dss": ["1.3.1", "1.4.2"]},
    remedy="Turn the public endpoint off, or list the networks from which people and pipelines come.",
    options=Sources,
)


def _only_from(ranges: tuple[str, ...], path: str, options: Sources) -> Verdict:
    """Tell whether a public endpoint lists who may come, and everybody is not among them."""
    if not ranges:
        return fails(f"the endpoint is public, and {path} names no network")
    opened = [text for text in ranges if options.is_open(text, path)]
    return passes_if(not opened, f"the endpoint is public to {', '.join(opened)}")


@restricted_api
@applies_to("aws:eks/cluster:Cluster", reads=["vpcConfig.endpointPublicAccess", "vpcConfig.publicAccessCidrs"])
def eks_api_is_restricted(cluster: Resource, options: Sources) -> Verdict:
    if not cluster.flag("vpcConfig.endpointPublicAccess", default=True):
        return PASS
    return _only_from(cluster.texts("vpcConfig.publicAccessCidrs"), "publicAccessCidrs", options)


@restricted_api
@applies_to(
    "azure-native:containerservice:ManagedCluster",
    reads=["apiServerAccessProfile.enablePrivateCluster", "apiServerAccessProfile.authorizedIPRanges"],
)
def aks_api_is_restricted(cluster: Resource, options: Sources) -> Verdict:
    access = cluster.object("apiServerAccessProfile")
    if access.flag("enablePrivateCluster"):
        return PASS
    return _only_from(access.texts("authorizedIPRanges"), "authorizedIPRanges", options)


_NETWORKS = "masterAuthorizedNetworksConfig"
_DNS = "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic"
_ADDRESSES = "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled"


@restricted_api
@applies_to(
    "gcp:container/cluster:Cluster",
    reads=[
        *(_DNS, _ADDRESSES, "privateClusterConfig.enablePrivateEndpoint"),
        *(f"{_NETWORKS}.gcpPublicCidrsAccessEnabled", f"{_NETWORKS}.cidrBlocks.cidrBlock"),
    ],
)
def gke_api_is_restricted(cluster: Resource, options: Sources) -> Verdict:
    if cluster.flag(_DNS):
        return fails("the endpoint by name is open to external traffic")
    if not cluster.flag(_ADDRESSES, default=True) or cluster.flag("privateClusterConfig.enablePrivateEndpoint"):
        return PASS
    if cluster.flag(f"{_NETWORKS}.gcpPublicCidrsAccessEnabled"):
        return fails("all of Google Cloud may reach the public endpoint")
    return _only_from(cluster.texts(f"{_NETWORKS}.cidrBlocks.cidrBlock"), _NETWORKS, options)


no_public_machine = control(
    "NET-006",
    title="Machines have no public address",
    severity=MEDIUM,
    maps={**EVIDENCE, "soc2": ["CC6.6"], "pci_dss": ["1.4.2", "1.4.4"]},
    remedy="Let machines out by a NAT gateway, and in by a load balancer or the cloud's session service.",
)


@no_public_machine
@applies_to("aws:ec2/launchTemplate:LaunchTemplate", reads=["networkInterfaces.associatePublicIpAddress"])
@fixed_by(sets("networkInterfaces[].associatePublicIpAddress", "false"))
def launched_machine_has_no_public_address(template: Resource) -> Verdict:
    public = [
        interface for interface in template.objects("networkInterfaces") if interface.flag("associatePublicIpAddress")
    ]
    return passes_if(not public, "associatePublicIpAddress is on")


@no_public_machine
@applies_to("azure-native:network:NetworkInterface", reads=["ipConfigurations.publicIPAddress"])
def azure_machine_has_no_public_address(interface: Resource) -> Verdict:
    public = [
        configuration
        for configuration in interface.objects("ipConfigurations")
        if configuration.exists("publicIPAddress")
    ]
    return passes_if(not public, "an IP configuration names a public address")


_SCALE_SET = "azure-native:compute:VirtualMachineScaleSet"
_MODEL = "virtualMachineProfile"
_CONFIGURATIONS = f"{_MODEL}.networkProfile.networkInterfaceConfigurations.ipConfigurations"


@no_public_machine
@applies_to(_SCALE_SET, reads=[f"{_CONFIGURATIONS}.publicIPAddressConfiguration"])
def scale_set_has_no_public_address(machines: Resource) -> Verdict:
    public = [entry for entry in machines.objects(_CONFIGURATIONS) if entry.exists("publicIPAddressConfiguration")]
    return passes_if(not public, "an IP configuration asks for a public address")


@no_public_machine
@applies_to("azure-native:containerservice:ManagedCluster", reads=["agentPoolProfiles.enableNodePublicIP"])
def first_aks_nodes_have_no_public_address(cluster: Resource) -> Verdict:
    public = [profile for profile in cluster.objects("agentPoolProfiles") if profile.flag("enableNodePublicIP")]
    return passes_if(not public, "enableNodePublicIP is on in a pool")


_INTERFACES = ("networkInterfaces.accessConfigs", "networkInterfaces.ipv6AccessConfigs")


@no_public_machine
@applies_to("gcp:compute/instance:Instance", "gcp:compute/instanceTemplate:InstanceTemplate", reads=_INTERFACES)
def gcp_machine_has_no_public_address(machine: Resource) -> Verdict:
    """An empty access configuration asks for an address too."""
    return passes_if(not any(machine.objects(path) for path in _INTERFACES), "an interface has an access configuration")


no_public_machine_properties = check_properties(
    no_public_machine,
    Property(
        ("aws:ec2/instance:Instance", "aws:ec2/launchConfiguration:LaunchConfiguration"),
        "associatePublicIpAddress",
        OFF,
        fix=False,
        replaces=True,
    ),
    Property("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", OFF, fix=False),
    Property("azure-native:containerservice:AgentPool", "enableNodePublicIP", OFF, fix=False, replaces=True),
    Property("gcp:container/cluster:Cluster", "privateClusterConfig.enablePrivateNodes", ON),
)


verified_machine = control(
    "NET-007",
    title="Machines start verified code and answer for their identity to themselves only",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.5", "A.8.9"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["2.2.1", "2.2.6"],
    },
    remedy="Ask for session tokens at the metadata service, boot securely, and log in without passwords.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
)
_TOKENS, _ENDPOINT = "metadataOptions.httpTokens", "metadataOptions.httpEndpoint"
_MACHINES = ("aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate")
_LAUNCHED = "aws:ec2/launchConfiguration:LaunchConfiguration"


@verified_machine
@applies_to(*_MACHINES, _LAUNCHED, reads=[_TOKENS, _ENDPOINT])
@fixed_by(sets(_TOKENS, "required"), *_MACHINES)
@fixed_by(sets(_TOKENS, "required"), _LAUNCHED, replaces=True)
def metadata_wants_tokens(machine: Resource) -> Verdict:
    """What is turned off asks nobody for anything."""
    if machine.text(_ENDPOINT, "enabled") == "disabled":
        return PASS
    tokens = machine.text(_TOKENS, "not set")
    return passes_if(tokens == "required", f"httpTokens is {tokens}")


_LINUX = "osProfile.linuxConfiguration"
_VERIFIED = ("securityProfile.securityType", f"{_LINUX}.disablePasswordAuthentication")


@verified_machine
@applies_to("azure-native:compute:VirtualMachine", reads=_VERIFIED)
def azure_machine_is_verified(machine: Resource) -> Verdict:
    return _judge_azure_boot(machine)


@verified_machine
@applies_to(_SCALE_SET, reads=[f"{_MODEL}.{path}" for path in _VERIFIED])
def scale_set_is_verified(machines: Resource) -> Verdict:
    return _judge_azure_boot(machines.object(_MODEL))


def _judge_azure_boot(machine: View) -> Verdict:
    kind = machine.text("securityProfile.securityType", "not set")
    if kind not in ("TrustedLaunch", "ConfidentialVM"):
        return fails(f"securityType is {kind}")
    if not machine.exists(_LINUX):
        return PASS
    return passes_if(machine.flag(_VERIFIED[1]), "it lets people in by password")


_SECURE_BOOT = "shieldedInstanceConfig.enableSecureBoot"


verified_machine_properties = check_properties(
    verified_machine,
    Property(("gcp:compute/instance:Instance", "gcp:compute/instanceTemplate:InstanceTemplate"), _SECURE_BOOT, ON),
    Property("gcp:container/nodePool:NodePool", f"nodeConfig.{_SECURE_BOOT}", ON),
)


no_default_network = control(
    "NET-008",
    title="Default groups and networks let nothing through",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.6"],
        "iso27001": ["A.8.9", "A.8.22"],
        "gdpr": ["Art. 25(2)"],
        "pci_dss": ["1.2.1", "2.2.1"],
    },
    remedy="Empty the default security group, and make subnets by hand.",
)


@no_default_network
@applies_to("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", reads=["ingress", "egress"])
@fixed_by(in_turn(sets("ingress", []), sets("egress", [])))
def default_group_is_empty(group: Resource) -> Verdict:
    """Where the rules are left out, the provider takes all of them away when it adopts the group."""
    rules = [kind for kind in ("ingress", "egress") if group.objects(kind)]
    return passes_if(not rules, f"it has rules for {' and '.join(rules)}")


no_default_network_properties = check_properties(
    no_default_network,
    Property(
        "gcp:compute/network:Network",
        "autoCreateSubnetworks",
        OFF,
        absent=True,
        found="autoCreateSubnetworks is not off",
        fix=False,
        replaces=True,
    ),
)
