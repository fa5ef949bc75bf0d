"""Data stores say whose they are, and how much care what is in them needs."""

from __future__ import annotations

from pydantic import Field

from policies import MEDIUM, PASS, Options, Resource, Verdict, applies_to, fails
from policies.clouds.data_stores import DataStore, in_data_stores
from policies.clouds.scope import CLASSIFICATION
from policies.clouds.tags import effective_tag
from policies.controls.residency_retention_erasure import control


class Tagging(Options):
    """Options of RES-003."""

    required_tags: tuple[str, ...] = Field(
        default=("owner", CLASSIFICATION), description="Tags or labels that every data store must carry."
    )
    classifications: tuple[str, ...] = Field(
        default=("public", "internal", "confidential", "restricted"),
        description="The values that the tag data-classification may have.",
    )


tagged = control(
    "RES-003",
    title="Data stores carry owner and classification",
    severity=MEDIUM,
    maps={
        "soc2": ["C1.1", "CC6.1"],
        "iso27001": ["A.5.9", "A.5.12", "A.5.13"],
        "gdpr": ["Art. 5(2)", "Art. 30"],
        "pci_dss": ["12.5.1", "12.5.2"],
    },
    remedy="Tag the store, or give its provider default tags; nobody but its owner can tell what they must say.",
    options=Tagging,
)


def _says_what_it_is(store: Resource, options: Tagging) -> Verdict:
    missing = [key for key in options.required_tags if not effective_tag(store, key)]
    if missing:
        return fails(f"{', '.join(missing)} not said")
    said = effective_tag(store, CLASSIFICATION)
    if said and said.lower() not in options.classifications:
        return fails(f"{CLASSIFICATION} is {said}")
    return PASS


def _tags(store: DataStore) -> tuple[str, ...]:
    return (store.tags,)


@tagged
@in_data_stores("aws", _tags)
def aws_store_says_what_it_is(store: Resource, options: Tagging) -> Verdict:
    return _says_what_it_is(store, options)


@tagged
@in_data_stores("azure", _tags)
def azure_store_says_what_it_is(store: Resource, options: Tagging) -> Verdict:
    return _says_what_it_is(store, options)


@tagged
@in_data_stores("gcp", _tags)
def gcp_store_says_what_it_is(store: Resource, options: Tagging) -> Verdict:
    return _says_what_it_is(store, options)


@tagged
@applies_to("kubernetes:core/v1:PersistentVolumeClaim", reads=["metadata.labels"])
def volume_claim_says_what_it_is(claim: Resource, options: Tagging) -> Verdict:
    return _says_what_it_is(claim, options)
