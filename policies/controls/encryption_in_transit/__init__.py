"""Encryption in transit: what leaves a process is readable by its addressee only."""

from policies import Theme

control = Theme("encryption-in-transit", "Encryption in transit").control

EVIDENCE = {
    "soc2": ["CC6.7"],
    "iso27001": ["A.8.20", "A.8.24"],
    "gdpr": ["Art. 32(1)(a)"],
    "pci_dss": ["4.2.1"],
}
"""What encrypted traffic is evidence for."""

CLASSIC_BALANCER = "aws:elb/loadBalancer:LoadBalancer"
CLASSIC_ENCRYPTED = ("HTTPS", "SSL")
LISTENER = "aws:lb/listener:Listener"
ENCRYPTED = ("HTTPS", "TLS")
"""Protocols that load balancers of AWS and gateways of Kubernetes encrypt."""
