"""Logging and audit: what happened is written down, kept, and out of reach of whoever did it."""

from policies import Theme

control = Theme("logging-audit", "Logging and audit").control

RECORDED = {"soc2": ["CC7.2"], "iso27001": ["A.8.15"], "gdpr": ["Art. 32(1)(b)"], "pci_dss": ["10.2.1"]}
"""What a record of events is evidence for."""
