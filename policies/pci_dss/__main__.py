"""The policy pack `pci_dss`."""

from policies.crossguard import Pack, run

run(Pack("pci-dss", "PCI DSS", framework="pci_dss"), __file__)
