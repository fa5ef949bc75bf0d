"""Certificates, signed zones and tunnels: the cryptography itself."""

from __future__ import annotations

from policies import (
    HIGH,
    MEDIUM,
    NOT_APPLICABLE,
    PASS,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    passes_if,
    sets,
)
from policies.controls.encryption_in_transit import EVIDENCE, control
from policies.property_checks import Property, check_properties

RSA_BITS = 2048
"""NIST SP 800-57 part 1, table 2: the smallest RSA key for 112 bits of security."""

ACM_STRONG = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")

strong_certificates = control(
    "TLS-008",
    title="Certificates and signed zones use strong keys",
    severity=MEDIUM,
    maps={**EVIDENCE, "soc2": ["CC6.1", "CC6.7"], "iso27001": ["A.8.24"], "pci_dss": ["3.7.1", "4.2.1"]},
    remedy="Use RSA keys of at least 2048 bits or elliptic curves, and sign public zones.",
)


strong_certificates_properties = check_properties(
    strong_certificates,
    Property("aws:acm/certificate:Certificate", "keyAlgorithm", ACM_STRONG, absent="RSA_2048"),
)


@strong_certificates
@applies_to("gcp:dns/managedZone:ManagedZone", reads=["visibility", "dnssecConfig.state"])
@fixed_by(sets("dnssecConfig.state", "on"))
def public_zone_is_signed(zone: Resource) -> Verdict:
    if zone.text("visibility", default="public") != "public":
        return NOT_APPLICABLE
    state = zone.text("dnssecConfig.state", "not set")
    return passes_if(state == "on", f"dnssecConfig.state is {state}")


@strong_certificates
@in_stack("aws:route53/zone:Zone", reads=["vpcs"])
def hosted_zone_is_signed(zone: Resource, stack: Stack) -> Verdict:
    """Programs often take the zone's id from the key, so that signing comes after it."""
    if zone.objects("vpcs"):
        return NOT_APPLICABLE
    named_by = [zone, *stack.companions(zone, "aws:route53/keySigningKey:KeySigningKey", by="hostedZoneId")]
    dnssec = "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec"
    signing = [found for namer in named_by for found in stack.companions(namer, dnssec, by="hostedZoneId")]
    signed = any(signer.text("signingStatus", default="SIGNING") == "SIGNING" for signer in signing)
    return passes_if(signed, "no signing belongs to it")


@strong_certificates
@in_stack("azure-native:dns:Zone", reads=["zoneType"])
def azure_zone_is_signed(zone: Resource, stack: Stack) -> Verdict:
    if zone.text("zoneType", default="Public") != "Public":
        return NOT_APPLICABLE
    signing = stack.companions(zone, "azure-native:dns:DnssecConfig", by="zoneName")
    return passes_if(bool(signing), "no DnssecConfig belongs to it")


@strong_certificates
@applies_to("kubernetes:cert-manager.io/v1:Certificate", reads=["spec.privateKey.algorithm", "spec.privateKey.size"])
def cert_manager_key_is_strong(certificate: Resource) -> Verdict:
    algorithm = certificate.text("spec.privateKey.algorithm", default="RSA")
    if algorithm != "RSA":
        return passes_if(algorithm in ("ECDSA", "Ed25519"), f"algorithm is {algorithm}")
    bits = certificate.number("spec.privateKey.size", default=RSA_BITS)
    return passes_if(bits >= RSA_BITS, f"the key has {bits} bits")


strong_tunnels = control(
    "TLS-009",
    title="Tunnels between sites use strong cryptography",
    severity=HIGH,
    maps={**EVIDENCE, "iso27001": ["A.5.14", "A.8.20", "A.8.24"]},
    remedy="Offer IKEv2, AES, SHA-2 and Diffie-Hellman group 14 or higher only.",
)

_TUNNELS = ("tunnel1", "tunnel2")
_SMALLEST_GROUP = 14
_AES = {f"{kind}AES{bits}" for kind in ("", "GCM") for bits in (128, 192, 256)}
_SHA2 = {"SHA256", "SHA384", "SHA2-256", "SHA2-384", "SHA2-512"}
_GROUPS = {"DHGroup14", "DHGroup2048", "DHGroup24", "ECP256", "ECP384", "PFS14", "PFS2048", "PFS24", "PFSMM"}
_STRONG = {
    "ikeEncryption": _AES,
    "ikeIntegrity": _SHA2 | _AES,
    "ipsecEncryption": _AES,
    "ipsecIntegrity": _SHA2 | _AES,
    "dhGroup": _GROUPS,
    "pfsGroup": _GROUPS,
}


@strong_tunnels
@applies_to(
    "aws:ec2/vpnConnection:VpnConnection",
    reads=[
        f"{tunnel}{one}"
        for tunnel in _TUNNELS
        for one in ("IkeVersions", *(f"Phase{n}{m}" for n in (1, 2) for m in ("IntegrityAlgorithms", "DhGroupNumbers")))
    ],
)
def aws_tunnel_is_strong(connection: Resource) -> Verdict:
    """What is not set, AWS offers in all variants, the weak ones too."""
    for tunnel in _TUNNELS:
        if set(connection.texts(f"{tunnel}IkeVersions")) != {"ikev2"}:
            return fails(f"{tunnel} does not keep to IKEv2")
        for phase in (f"{tunnel}Phase1", f"{tunnel}Phase2"):
            integrity = set(connection.texts(f"{phase}IntegrityAlgorithms"))
            if not integrity or not integrity <= _SHA2:
                return fails(f"{phase}IntegrityAlgorithms allows more than SHA-2")
            groups = connection.texts(f"{phase}DhGroupNumbers")
            if not groups or min(map(int, groups)) < _SMALLEST_GROUP:
                return fails(f"{phase}DhGroupNumbers allows a group below {_SMALLEST_GROUP}")
    return PASS


@strong_tunnels
@applies_to(
    "azure-native:network:VirtualNetworkGatewayConnection",
    reads=[
        "connectionType",
        "connectionProtocol",
        *(f"ipsecPolicies.{name}" for name in _STRONG),
    ],
)
def azure_tunnel_is_strong(connection: Resource) -> Verdict:
    """Without a policy of one's own Azure offers weak variants too."""
    if connection.text("connectionType", default="IPsec") != "IPsec":
        return NOT_APPLICABLE
    if connection.text("connectionProtocol") != "IKEv2":
        return fails("connectionProtocol is not IKEv2")
    policies = connection.objects("ipsecPolicies")
    if not policies:
        return fails("there is no ipsecPolicy")
    weak = [name for policy in policies for name, strong in _STRONG.items() if policy.text(name) not in strong]
    return passes_if(not weak, f"ipsecPolicies are weak in {', '.join(weak)}")


@strong_tunnels
@applies_to("gcp:compute/vPNTunnel:VPNTunnel", reads=["ikeVersion"])
@fixed_by(sets("ikeVersion", 2), replaces=True)
def gcp_tunnel_is_strong(tunnel: Resource) -> Verdict:
    version = tunnel.number("ikeVersion", default=2)
    return passes_if(version == 2, f"ikeVersion is {version}")
