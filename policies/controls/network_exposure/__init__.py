"""Network exposure: what is reachable is what somebody meant to be reachable."""

from policies import Theme

control = Theme("network-exposure", "Network exposure").control

EVIDENCE = {
    "soc2": ["CC6.1", "CC6.6"],
    "iso27001": ["A.8.20", "A.8.22"],
    "gdpr": ["Art. 25(2)", "Art. 32(1)(b)"],
    "pci_dss": ["1.3.1", "1.4.2", "1.4.4"],
}
"""What a closed network is evidence for."""
