"""From a pod template to processes: environment, commands, paths, volumes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator import EmulatorError
from localcloud.kubernetes.containers import Container, Surroundings, containers, expanded
from localcloud.kubernetes.volumes import files_of, mentions

IMAGE = "europe-docker.pkg.dev/acme/living-fortress/app@sha256:" + "a" * 64
CONFIG_MAPS = {"settings": {"LEVEL": b"info", "PATHS": b"/etc/app"}}
SECRETS = {"token": {"value": b"hush"}}


def around(**changes: Any) -> Surroundings:
    told: dict[str, Any] = {
        "name": "ledger-0",
        "namespace": "ledger",
        "uid": "u-1",
        "address": "127.70.1.2",
        "service_account": "ledger",
        "labels": {"app": "ledger"},
        "annotations": {},
        "config_map": CONFIG_MAPS.get,
        "secret": SECRETS.get,
        "folder": Path("/sandbox/pod"),
    }
    return Surroundings(**(told | changes))


def rendered(spec: dict[str, Any] | None = None, **container: Any) -> Container:
    pod = {"containers": [{"name": "app", "image": IMAGE, "command": ["run"], **container}], **(spec or {})}
    return containers(pod, around())[0]


def field(path: str) -> dict[str, Any]:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def test_variables_refer_to_those_before_them() -> None:
    environment = rendered(
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)-$$(A)"}, {"name": "C", "value": "3"}]
    ).environment
    assert environment["B"] == "1-$(C)-$(A)"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status.podIP", "127.70.1.2"),
        ("metadata.name", "ledger-0"),
        ("metadata.namespace", "ledger"),
        ("spec.serviceAccountName", "ledger"),
        ("metadata.labels['app']", "ledger"),
    ],
)
def test_the_downward_api_tells_of_the_pod(path: str, value: str) -> None:
    assert rendered(env=[{"name": "X", **field(path)}]).environment["X"] == value


def test_variables_come_from_config_maps_and_secrets() -> None:
    environment = rendered(
        envFrom=[{"prefix": "APP_", "configMapRef": {"name": "settings"}}],
        env=[
            {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "LEVEL"}}},
            {"name": "TWO", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "no", "key": "x", "optional": True}}},
        ],
    ).environment
    assert (environment["APP_LEVEL"], environment["ONE"], environment["TWO"]) == ("info", "info", "hush")
    assert "NONE" not in environment


def test_commands_and_arguments_are_expanded() -> None:
    container = rendered(command=["fortress"], args=["serve", "--host=$(HOST)"], env=[{"name": "HOST", "value": "h"}])
    assert container.command == ("fortress", "serve", "--host=h")


def test_without_a_command_the_images_own_runs() -> None:
    assert rendered(command=None).command == ("fortress", "serve")
    assert rendered(command=None, args=["migrate", "up"]).command == ("fortress", "migrate", "up")


def test_programs_are_those_of_this_checkout() -> None:
    assert rendered().environment["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_paths_of_mounts_become_those_of_the_volumes() -> None:
    container = rendered(
        command=["run", "--config=/etc/app/a.json", "/etc/app-other/b", "/opt/etc/app"],
        env=[{"name": "URL", "value": "file:///etc/app/jwks.json"}, {"name": "LIST", "value": "/etc/app:/tmp/x"}],
        volumeMounts=[{"name": "config", "mountPath": "/etc/app/"}, {"name": "scratch", "mountPath": "/tmp"}],
    )
    config = "/sandbox/pod/volumes/config"
    assert container.command == ("run", f"--config={config}/a.json", "/etc/app-other/b", "/opt/etc/app")
    assert container.environment["URL"] == f"file://{config}/jwks.json"
    assert container.environment["LIST"] == f"{config}:/sandbox/pod/volumes/scratch/x"
    assert container.environment["TMPDIR"] == "/sandbox/pod/volumes/scratch"


def test_the_longest_mount_wins_and_a_sub_path_is_one_file() -> None:
    mounts = [
        {"name": "all", "mountPath": "/etc/app"},
        {"name": "one", "mountPath": "/etc/app/extra.json", "subPath": "x.json"},
    ]
    container = rendered(command=["run", "/etc/app/extra.json", "/etc/app/other.json"], volumeMounts=mounts)
    volumes = "/sandbox/pod/volumes"
    assert container.command[1:] == (f"{volumes}/one/x.json", f"{volumes}/all/other.json")


def test_what_is_injected_yields_to_what_the_container_says() -> None:
    pod = {"containers": [{"name": "app", "image": IMAGE, "env": [{"name": "PGPORT", "value": "1"}]}]}
    injected = {"PGPORT": "5432", "PGSSLMODE": "verify-full"}
    environment = containers(pod, around(injected=injected))[0].environment
    assert (environment["PGPORT"], environment["PGSSLMODE"]) == ("1", "verify-full")


def test_the_grace_time_is_the_pods() -> None:
    assert rendered().stop_seconds == 30
    assert rendered({"terminationGracePeriodSeconds": 0}).stop_seconds == 0


@pytest.mark.parametrize(
    ("container", "complaint"),
    [
        ({"image": "nginx:1.27"}, "container 'app': no emulator for image 'nginx:1.27'"),
        ({"image": "evil.example/not-living-fortress/app:1"}, "no emulator for"),
        ({"envFrom": [{"configMapRef": {"name": "no"}}]}, "configMapRef: 'no' does not exist in the namespace"),
        ({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "token", "key": "k"}}}]}, "has no key 'k'"),
        ({"env": [{"name": "X", **field("status.phase")}]}, "fieldRef 'status.phase' is not offered here"),
        ({"env": [{"name": "X", "valueFrom": {"resourceFieldRef": {}}}]}, "valueFrom resourceFieldRef"),
    ],
)
def test_what_cannot_run_here_is_named(container: dict[str, Any], complaint: str) -> None:
    with pytest.raises(EmulatorError, match=complaint.replace("(", r"\(")):
        rendered(**container)


def test_an_unknown_reference_stays_as_it_is() -> None:
    assert expanded("$(NO) $HOME $$", {}) == "$(NO) $HOME $"


# -- volumes ---------------------------------------------------------------------------------------------------------


def files(**volume: Any) -> dict[str, bytes]:
    return dict(files_of({"name": "v", **volume}, around(), lambda audience: f"token for {audience}"))


def test_a_projected_volume_joins_its_sources() -> None:
    assert files(
        projected={
            "sources": [
                {"serviceAccountToken": {"path": "aws/token", "audience": "sts.amazonaws.com"}},
                {"configMap": {"name": "settings", "items": [{"key": "LEVEL", "path": "level"}]}},
                {"secret": {"name": "token"}},
                {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            ]
        }
    ) == {
        "aws/token": b"token for sts.amazonaws.com",
        "level": b"info",
        "value": b"hush",
        "name": b"ledger-0",
    }


def test_volumes_of_one_source() -> None:
    assert files(configMap={"name": "settings"}) == CONFIG_MAPS["settings"]
    assert files(secret={"secretName": "token"}) == SECRETS["token"]
    assert files(secret={"secretName": "no", "optional": True}) == {}
    assert files(emptyDir={}) == {}


@pytest.mark.parametrize(
    ("volume", "complaint"),
    [
        ({"hostPath": {"path": "/"}}, "volume 'v': no emulator for hostPath"),
        ({"secret": {"secretName": "no"}}, "'no' does not exist"),
        ({"configMap": {"name": "settings", "items": [{"key": "no", "path": "x"}]}}, "has no key 'no'"),
        ({"configMap": {"name": "settings", "items": [{"key": "LEVEL", "path": "../x"}]}}, "leads out of the volume"),
    ],
)
def test_a_volume_that_cannot_be_had_is_named(volume: dict[str, Any], complaint: str) -> None:
    with pytest.raises(EmulatorError, match=complaint):
        files(**volume)


def test_which_pods_show_a_changed_object() -> None:
    spec = {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "a"}}]}}]}
    assert mentions(spec, "ConfigMap", "a")
    assert not mentions(spec, "Secret", "a")
    assert mentions({"volumes": [{"name": "v", "secret": {"secretName": "b"}}]}, "Secret", "b")
