"""Change management: what runs was chosen, what changes was meant to change, and what must stay, stays."""

from policies import Theme

control = Theme("change-management", "Change management").control

EVIDENCE = {"soc2": ["CC8.1"], "iso27001": ["A.8.9", "A.8.32"], "pci_dss": ["6.5.1"]}
"""What a change that somebody decided is evidence for."""
