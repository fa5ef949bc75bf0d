"""From a pod template to the processes it describes: pure rendering, nothing is started or written here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes.images import image_named

REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
LABEL_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
DEFAULT_GRACE_SECONDS = 30
NODE = "localcloud"

Contents = Callable[[str], Mapping[str, bytes] | None]
"""Looks a ConfigMap or Secret up by name."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a pod's containers can refer to."""

    name: str
    namespace: str
    uid: str
    address: str
    service_account: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    config_map: Contents
    secret: Contents
    folder: Path
    """The pod's own folder: its working folder, with its volumes below."""
    injected: Mapping[str, str] = field(default_factory=dict)
    """Variables that every container gets which does not set them itself."""

    def field(self, path: str) -> str:
        """A field of the pod as the downward API tells it."""
        plain = {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "metadata.uid": self.uid,
            "spec.nodeName": NODE,
            "spec.serviceAccountName": self.service_account,
            "status.podIP": self.address,
            "status.podIPs": self.address,
            "status.hostIP": "127.0.0.1",
        }
        if path in plain:
            return plain[path]
        labelled = LABEL_FIELD.fullmatch(path)
        if labelled:
            return {"labels": self.labels, "annotations": self.annotations}[labelled[1]].get(labelled[2], "")
        if path in ("metadata.labels", "metadata.annotations"):
            entries = self.labels if path == "metadata.labels" else self.annotations
            return "\n".join(f'{key}="{value}"' for key, value in sorted(entries.items()))
        raise EmulatorError(f"fieldRef {path!r} is not offered here: one of {', '.join(plain)}, labels or annotations")

    def volume(self, name: str) -> Path:
        """Where the volume of that name lies."""
        return self.folder / "volumes" / name


@dataclass(frozen=True)
class Container:
    """One container as a process."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    stop_seconds: int


def containers(spec: Properties, around: Surroundings) -> list[Container]:
    """The pod's containers."""
    return [_container(each, spec, around) for each in spec["containers"]]


def init_containers(spec: Properties, around: Surroundings) -> list[Container]:
    """What must have run to its end before the containers start, in order."""
    listed = spec.get("initContainers") or []
    sidecar = next((each["name"] for each in listed if each.get("restartPolicy")), None)
    if sidecar is not None:
        raise EmulatorError(f"init container {sidecar!r}: no emulator for restartPolicy; list it under containers")
    return [_container(each, spec, around) for each in listed]


def _container(container: Properties, pod: Properties, around: Surroundings) -> Container:
    try:
        image = image_named(container.get("image") or "")
        localised = _localiser(container, around)
        variables = _environment(container, around)
        asked = tuple(container.get("command") or ())
        arguments = tuple(container.get("args") or ())
        if not asked:
            asked, arguments = image.entrypoint, arguments or image.arguments
        command = tuple(localised(expanded(word, variables)) for word in (*asked, *arguments))
        own = {"PATH": image.path, "HOME": str(around.folder), "HOSTNAME": around.name}
        told = {name: localised(value) for name, value in variables.items()}
        workplace = container.get("workingDir")
        grace = pod.get("terminationGracePeriodSeconds")
        return Container(
            name=container["name"],
            command=command,
            environment=own | dict(around.injected) | _scratch(container, around) | told,
            directory=Path(localised(workplace)) if workplace else around.folder,
            stop_seconds=DEFAULT_GRACE_SECONDS if grace is None else int(grace),
        )
    except EmulatorError as problem:
        raise EmulatorError(f"container {container.get('name')!r}: {problem}") from problem


# -- environment -----------------------------------------------------------------------------------------------------


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$` made `$`, all else left as it is."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[1] == "$" else variables.get(found[2], found[0])

    return REFERENCE.sub(value, text)


def _environment(container: Properties, around: Surroundings) -> dict[str, str]:
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        variables |= _all_of(source, around)
    for variable in container.get("env") or ():
        if variable.get("valueFrom"):
            value = _value_from(variable["valueFrom"], around)
        else:
            value = expanded(variable.get("value") or "", variables)
        if value is not None:
            variables[variable["name"]] = value
    return variables


def _all_of(source: Properties, around: Surroundings) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    for kind, look_up in (("configMapRef", around.config_map), ("secretRef", around.secret)):
        reference = source.get(kind)
        if reference:
            found = contents(kind, reference, look_up)
            return {prefix + key: _text(value, f"key {key!r}") for key, value in found.items()}
    raise EmulatorError("an envFrom entry needs a configMapRef or a secretRef")


def _value_from(source: Properties, around: Surroundings) -> str | None:
    if source.get("fieldRef"):
        return around.field(source["fieldRef"]["fieldPath"])
    for kind, look_up in (("configMapKeyRef", around.config_map), ("secretKeyRef", around.secret)):
        reference = source.get(kind)
        if reference:
            key, name = reference["key"], reference.get("name")
            found = contents(kind, reference, look_up)
            if key in found:
                return _text(found[key], f"key {key!r} of {name!r}")
            if reference.get("optional"):
                return None
            raise EmulatorError(f"{kind}: {name!r} has no key {key!r}")
    raise EmulatorError(f"valueFrom {', '.join(source)} is not offered here: fieldRef, configMapKeyRef or secretKeyRef")


def contents(kind: str, reference: Properties, look_up: Contents) -> Mapping[str, bytes]:
    """What a reference names; empty where that is absent and optional."""
    name = reference.get("name") or reference.get("secretName") or ""
    found = look_up(name)
    if found is None and not reference.get("optional"):
        raise EmulatorError(f"{kind}: {name!r} does not exist in the namespace")
    return found or {}


def _text(value: bytes, what: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EmulatorError(f"{what} is not text, so it cannot be an environment variable") from None


# -- paths -----------------------------------------------------------------------------------------------------------


def _localiser(container: Properties, around: Surroundings) -> Callable[[str], str]:
    """Replaces the paths of a container's mounts by those of the pod's volumes."""
    places = {_mount_path(mount): _mounted(mount, around) for mount in container.get("volumeMounts") or ()}
    if not places:
        return lambda text: text
    longest_first = sorted(places, key=len, reverse=True)
    # A path begins the text or follows something that cannot be part of one, or a URL's `file://`; it ends likewise.
    pattern = re.compile(
        r"(?:(?<=://)|(?<![\w./-]))(?P<path>" + "|".join(map(re.escape, longest_first)) + r")(?![\w.-])"
    )
    return lambda text: pattern.sub(lambda found: str(places[found["path"]]), text)


def _mount_path(mount: Properties) -> str:
    path: str = mount["mountPath"]
    return path.rstrip("/") or "/"


def _mounted(mount: Properties, around: Surroundings) -> Path:
    place = around.volume(mount["name"])
    return place / mount["subPath"] if mount.get("subPath") else place


def _scratch(container: Properties, around: Surroundings) -> dict[str, str]:
    """Programs do not ask for /tmp by name in their settings: tell them where the volume mounted there is."""
    for mount in container.get("volumeMounts") or ():
        if _mount_path(mount) == "/tmp":  # noqa: S108 - the container's, not this machine's
            return {"TMPDIR": str(_mounted(mount, around))}
    return {}
