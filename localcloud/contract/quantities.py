"""Which Kubernetes properties are quantities: the SDK calls them text, the API also takes a number.

Source: Kubernetes API reference, resource.Quantity and the fields that have this type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from localcloud.contract.terms import ListOf, MapOf, Quantity, Term

_VALUE = re.compile(r"(Args|ArgsDict|Patch)+$")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CapacityRequestPolicy": ("default", "validValues"),
    "CapacityRequestPolicyRange": ("max", "min", "step"),
    "CapacityRequirements": ("requests",),
    "CSIStorageCapacity": ("capacity", "maximumVolumeSize"),
    "DeviceCapacity": ("value",),
    "EmptyDirVolumeSource": ("sizeLimit",),
    "LimitRangeItem": ("default", "defaultRequest", "max", "maxLimitRequestRatio", "min"),
    "MetricTarget": ("averageValue", "value"),
    "MetricValueStatus": ("averageValue", "value"),
    "NodeStatus": ("allocatable", "capacity"),
    "Overhead": ("podFixed",),
    "PersistentVolumeClaimStatus": ("allocatedResources", "capacity"),
    "PersistentVolumeSpec": ("capacity",),
    "PodSpec": ("overhead",),
    "ResourceFieldSelector": ("divisor",),
    "ResourceQuotaSpec": ("hard",),
    "ResourceQuotaStatus": ("hard", "used"),
    "ResourceRequirements": ("limits", "requests"),
    "VolumeResourceRequirements": ("limits", "requests"),
}


def marked(class_name: str, name: str, term: Term) -> Term:
    """The term with its texts made quantities where property `name` of this arguments class holds quantities."""
    return _as_quantity(term) if name in _FIELDS.get(_VALUE.sub("", class_name), ()) else term


def _as_quantity(term: Term) -> Term:
    match term:
        case ListOf(item):
            return ListOf(_as_quantity(item))
        case MapOf(inner):
            return MapOf(_as_quantity(inner))
        case _:
            return Quantity()
