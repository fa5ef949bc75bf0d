"""Encryption at rest: who takes away a disk, a snapshot or a backup reads nothing."""

import re

from policies import Resource, Theme, Verdict, View, fails, passes_if

control = Theme("encryption-at-rest", "Encryption at rest").control

STORED = {"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 5(1)(f)", "Art. 32(1)(a)"], "pci_dss": ["3.5.1"]}
"""What encrypted storage is evidence for."""
OWN_KEY = {"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["3.5.1", "3.6.1"]}
"""What a key of one's own is evidence for, over and above the provider's encryption."""

_KEY_OF_AWS = re.compile(r"(arn:[^:]*:kms:[^:]*:[^:]*:)?alias/aws/.*")
"""AWS makes these keys for its services; nobody else can say who may use them, or take that right away."""


def has_own_key(holder: View, path: str) -> Verdict:
    """Tell whether an AWS resource names a key of KMS that is the customer's, as far as its name tells."""
    key = holder.text(path)
    if _KEY_OF_AWS.fullmatch(key):
        return fails(f"{path} is {key}, a key of AWS")
    return passes_if(bool(key), f"{path} is not set")


KEY_SOURCE = "encryption.keySource"


def key_is_in_vault(resource: Resource) -> Verdict:
    """Tell whether an Azure resource that says where its key comes from has one of the customer's."""
    source = resource.text(KEY_SOURCE, "not set")
    return passes_if(source.lower() == "microsoft.keyvault", f"keySource is {source}")
