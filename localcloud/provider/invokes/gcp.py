"""Functions of the Google Cloud provider."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.provider.invokes import Arguments, Function
    from localcloud.provider.lifecycle import Lifecycle

DEFAULT_REGION = "europe-west3"
ZONE_LETTERS = "abc"
OTHER_ZONE_LETTERS: Mapping[str, str] = {"europe-west1": "bcd", "us-east1": "bcd", "us-central1": "abcf"}
"""Regions whose zones are not a, b and c (Google Cloud, Regions and zones)."""

NUMBER_DIGITS = 12


def _project_of(arguments: Arguments, lifecycle: Lifecycle) -> str:
    given = arguments.get("projectId") or arguments.get("project") or lifecycle.provider["project"]
    return str(given)


def _region_of(arguments: Arguments, lifecycle: Lifecycle) -> str:
    return str(arguments.get("region") or lifecycle.provider.get("region") or DEFAULT_REGION)


def _zones_of(region: str) -> list[str]:
    return [f"{region}-{letter}" for letter in OTHER_ZONE_LETTERS.get(region, ZONE_LETTERS)]


def project_number(project: str) -> str:
    """The number of a simulated project, the same on every call."""
    return str(int(hashlib.sha256(project.encode()).hexdigest(), 16))[-NUMBER_DIGITS:]


def project(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The simulated project."""
    name = _project_of(arguments, lifecycle)
    return {
        "id": f"projects/{name}",
        "projectId": name,
        "name": name,
        "number": project_number(name),
        "autoCreateNetwork": False,
        "billingAccount": "",
        "deletionPolicy": "PREVENT",
        "folderId": "",
        "orgId": "",
        "labels": {},
        "effectiveLabels": {},
        "pulumiLabels": {},
        "tags": {},
    }


def client_config(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The provider's own settings; nothing here has an access token."""
    name, region = _project_of(arguments, lifecycle), _region_of(arguments, lifecycle)
    zone = str(lifecycle.provider.get("zone") or _zones_of(region)[0])
    return {
        "id": f"projects/{name}/regions/{region}/zones/{zone}",
        "project": name,
        "region": region,
        "zone": zone,
        "accessToken": "",
        "defaultLabels": lifecycle.provider.get("defaultLabels") or {},
    }


def zones(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The zones of a region."""
    name, region = _project_of(arguments, lifecycle), _region_of(arguments, lifecycle)
    return {
        **arguments,
        "id": f"projects/{name}/regions/{region}",
        "project": name,
        "region": region,
        "names": _zones_of(region),
    }


def storage_account(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The identity with which Cloud Storage encrypts in a project."""
    name = _project_of(arguments, lifecycle)
    email = f"service-{project_number(name)}@gs-project-accounts.iam.gserviceaccount.com"
    return {"id": email, "project": name, "emailAddress": email, "member": f"serviceAccount:{email}"}


FUNCTIONS: Mapping[str, Function] = {
    "gcp:compute/getZones:getZones": zones,
    "gcp:organizations/getClientConfig:getClientConfig": client_config,
    "gcp:organizations/getProject:getProject": project,
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": storage_account,
}
