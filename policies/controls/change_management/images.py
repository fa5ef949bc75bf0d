"""What runs is named by what it is, and comes from where it should."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from policies import (
    HIGH,
    MEDIUM,
    NOT_APPLICABLE,
    PASS,
    Options,
    Resource,
    Verdict,
    applies_to,
    applies_to_each,
    fails,
    fixed_by,
    in_turn,
    not_applicable,
    passes_if,
    sets,
)
from policies.clouds.pods import containers_of, in_pods
from policies.controls.change_management import EVIDENCE, control
from policies.property_checks import Property, check_properties


class Sources(Options):
    """Options of CHG-001."""

    allowed_registries: tuple[str, ...] = Field(
        default=(), description="Registries, such as ghcr.io/our-team, that images may come from; none means any."
    )

    def allows(self, image: str) -> bool:
        """Tell whether the image comes from one of them."""
        known = self.allowed_registries
        return not known or any(image.startswith(f"{one.rstrip('/')}/") for one in known)


pinned_images = control(
    "CHG-001",
    title="Images are named by digest and come from allowed registries",
    severity=HIGH,
    maps={
        "soc2": ["CC6.8", "CC8.1"],
        "iso27001": ["A.5.21", "A.8.19", "A.8.32"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["6.3.2", "6.5.1"],
    },
    remedy="Name the image as registry/name@sha256:…: a tag may mean something else tomorrow.",
    options=Sources,
)
BY_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def _judge(images: Sequence[str], options: Sources) -> Verdict:
    if not images:
        return fails("there is no image")
    loose = [image for image in images if not BY_DIGEST.fullmatch(image)]
    if loose:
        return fails(f"without a digest: {', '.join(image or 'not set' for image in loose)}")
    foreign = [image for image in images if not options.allows(image)]
    return passes_if(not foreign, f"from another registry: {', '.join(foreign)}")


@pinned_images
@in_pods("*.image")
def pods_run_pinned_images(workload: Resource, options: Sources) -> Verdict:
    return _judge([container.text("image") for container in containers_of(workload)], options)


@pinned_images
@applies_to("aws:lambda/function:Function", reads=["packageType", "imageUri"])
def lambda_runs_pinned_image(function: Resource, options: Sources) -> Verdict:
    if function.text("packageType", "Zip") == "Zip":
        return not_applicable("it is no image")
    return _judge([function.text("imageUri")], options)


@pinned_images
@applies_to("aws:ecs/taskDefinition:TaskDefinition", reads=["containerDefinitions"])
def ecs_runs_pinned_images(task: Resource, options: Sources) -> Verdict:
    return _judge([definition.text("image") for definition in task.documents("containerDefinitions")], options)


@pinned_images
@applies_to("azure-native:app:ContainerApp", reads=["template.containers.image", "template.initContainers.image"])
def container_app_runs_pinned_images(app: Resource, options: Sources) -> Verdict:
    kinds = ("template.containers", "template.initContainers")
    return _judge([entry.text("image") for kind in kinds for entry in app.objects(kind)], options)


_CLOUD_RUN = {
    "gcp:cloudrunv2/service:Service": "template.containers",
    "gcp:cloudrunv2/workerPool:WorkerPool": "template.containers",
    "gcp:cloudrunv2/job:Job": "template.template.containers",
}


@pinned_images
@applies_to_each({token: [f"{containers}.image"] for token, containers in _CLOUD_RUN.items()})
def cloud_run_runs_pinned_images(runner: Resource, options: Sources) -> Verdict:
    return _judge([entry.text("image") for entry in runner.objects(_CLOUD_RUN[runner.type])], options)


registries = control(
    "CHG-002",
    title="Registries scan images and let nobody overwrite a tag",
    severity=MEDIUM,
    maps={
        "soc2": ["CC7.1", "CC8.1"],
        "iso27001": ["A.8.8", "A.8.19"],
        "gdpr": ["Art. 32(1)(d)"],
        "pci_dss": ["6.3.1", "11.3.1"],
    },
    remedy="Make tags immutable, and have each image scanned when it arrives.",
)
_SCAN = "imageScanningConfiguration.scanOnPush"


@registries
@applies_to("aws:ecr/repository:Repository", reads=["imageTagMutability", _SCAN])
@fixed_by(in_turn(sets("imageTagMutability", "IMMUTABLE"), sets(_SCAN, True)))
def ecr_keeps_tags_and_scans(repository: Resource) -> Verdict:
    tags = repository.text("imageTagMutability", "not set")
    if tags != "IMMUTABLE":
        return fails(f"imageTagMutability is {tags}")
    return passes_if(repository.flag(_SCAN), "scanOnPush is not on")


registries_properties = check_properties(
    registries,
    Property(
        "azure-native:containerregistry:Registry",
        "policies.quarantinePolicy.status",
        "enabled",
        name="quarantinePolicy.status",
    ),
)


_ENABLED = "vulnerabilityScanningConfig.enablementConfig"


@registries
@applies_to(
    "gcp:artifactregistry/repository:Repository", reads=["format", "mode", "dockerConfig.immutableTags", _ENABLED]
)
@fixed_by(in_turn(sets("dockerConfig.immutableTags", True), sets(_ENABLED, "INHERITED")))
def artifact_registry_keeps_tags_and_scans(repository: Resource) -> Verdict:
    if repository.text("format") != "DOCKER":
        return NOT_APPLICABLE
    mode = repository.text("mode", "STANDARD_REPOSITORY")
    if mode != "STANDARD_REPOSITORY":
        return not_applicable(f"{mode} holds no images of its own, and takes no such settings")
    if not repository.flag("dockerConfig.immutableTags"):
        return fails("immutableTags is not on")
    scanning = repository.text(_ENABLED, "INHERITED")
    return passes_if(scanning == "INHERITED", f"enablementConfig is {scanning}")


class Charts(Options):
    """Options of CHG-007."""

    allowed_charts: tuple[str, ...] = Field(
        default=(), description="Repositories, such as oci://quay.io/team, that charts may come from; none means any."
    )

    def allows(self, address: str) -> bool:
        """Tell whether the address is one of them, or lies in it."""
        known = [chart.rstrip("/") for chart in self.allowed_charts]
        return not known or any(address == one or address.startswith(f"{one}/") for one in known)


pinned_charts = control(
    "CHG-007",
    title="Charts are named in one version, from a place that is named too",
    severity=MEDIUM,
    maps={**EVIDENCE, "iso27001": ["A.5.21", "A.8.19", "A.8.32"], "pci_dss": ["6.3.2", "6.5.1"]},
    remedy="Give the release an exact version and a repository by https:// or oci://.",
    options=Charts,
)
RELEASE = "kubernetes:helm.sh/v3:Release"
EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
REPOSITORY = "repositoryOpts.repo"


@pinned_charts
@applies_to(RELEASE, reads=["chart", "version", REPOSITORY])
def release_is_of_one_version(release: Resource, options: Charts) -> Verdict:
    chart = release.text("chart")
    if chart.startswith((".", "/")):
        return not_applicable("the chart lies beside the program")
    version = release.text("version", "not set")
    if not EXACT.fullmatch(version):
        return fails(f"version is {version}")
    address = chart if "://" in chart else release.text(REPOSITORY, "not set")
    if not address.startswith(("https://", "oci://")):
        return fails(f"{REPOSITORY} is {address}")
    return passes_if(options.allows(address), f"it comes from {address}")


undone = control(
    "CHG-008",
    title="A release that fails is undone",
    severity=MEDIUM,
    maps={**EVIDENCE, "soc2": ["A1.2", "CC8.1"], "iso27001": ["A.8.32"]},
    remedy="Set atomic to true.",
)


@undone
@applies_to(RELEASE, reads=["atomic"])
@fixed_by(sets("atomic", True))
def release_is_atomic(release: Resource) -> Verdict:
    return PASS if release.flag("atomic") else fails("atomic is not on")
