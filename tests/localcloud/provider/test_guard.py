"""Only simulated accounts and clusters are served."""

from __future__ import annotations

import json

import pytest

from localcloud.contract import UNKNOWN
from localcloud.provider.guard import Cluster, Refused, SimulationMode, cluster_of, is_default, settings, simulated

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000"


def kubeconfig(*servers: str, current: str = "context-0") -> dict[str, object]:
    numbers = range(len(servers))
    return {
        "clusters": [{"name": f"cluster-{n}", "cluster": {"server": servers[n]}} for n in numbers],
        "contexts": [{"name": f"context-{n}", "context": {"cluster": f"cluster-{n}"}} for n in numbers],
        "current-context": current,
    }


@pytest.mark.parametrize(
    ("package", "configuration", "mode", "scope"),
    [
        (
            "aws",
            {"allowedAccountIds": ["000000000000"], "region": "eu-central-1"},
            SimulationMode.LOCAL,
            "eu-central-1",
        ),
        ("aws", {"allowedAccountIds": ["000000000001"]}, SimulationMode.REHEARSAL, "000000000001"),
        ("azure-native", {"subscriptionId": f"{SUBSCRIPTION}0"}, SimulationMode.LOCAL, f"{SUBSCRIPTION}0"),
        ("azure-native", {"subscriptionId": f"{SUBSCRIPTION}1"}, SimulationMode.REHEARSAL, f"{SUBSCRIPTION}1"),
        ("gcp", {"project": "living-fortress-local", "region": "europe-west3"}, SimulationMode.LOCAL, "europe-west3"),
        ("gcp", {"project": "living-fortress-rehearsal"}, SimulationMode.REHEARSAL, "living-fortress-rehearsal"),
    ],
)
def test_the_account_decides_the_sandbox(package, configuration, mode, scope):
    answer = simulated(package, configuration)
    assert answer is not None
    assert (answer.mode, answer.scope) == (mode, scope)


@pytest.mark.parametrize(
    ("package", "configuration"),
    [
        ("aws", {}),
        ("aws", {"allowedAccountIds": ["123456789012"]}),
        ("aws", {"allowedAccountIds": ["000000000000", "123456789012"]}),
        ("aws", {"allowedAccountIds": []}),
        ("azure-native", {"subscriptionId": "6f0f1f5e-0000-0000-0000-000000000000"}),
        ("azure-native", {}),
        ("gcp", {"project": "customers-production"}),
        ("kubernetes", {}),
        ("kubernetes", {"kubeconfig": "/home/someone/.kube/config"}),
        ("kubernetes", {"kubeconfig": json.dumps(kubeconfig("https://10.0.0.1:6443"))}),
        ("kubernetes", {"kubeconfig": json.dumps(kubeconfig("https://local.localcloud.invalid"))}),
        ("kubernetes", {"kubeconfig": json.dumps(kubeconfig("https://a.local.localcloud.invalid.example.com"))}),
        ("kubernetes", {"kubeconfig": "a: [1"}),
        ("kubernetes", {"kubeconfig": "{}"}),
    ],
)
def test_everything_else_is_refused_in_one_line(package, configuration):
    with pytest.raises(Refused) as refusal:
        simulated(package, configuration)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("package", "setting"),
    [
        ("aws", "allowedAccountIds"),
        ("azure-native", "subscriptionId"),
        ("gcp", "project"),
        ("kubernetes", "kubeconfig"),
    ],
)
def test_what_is_unknown_yet_is_neither_refused_nor_simulated(package, setting):
    assert simulated(package, {setting: UNKNOWN}) is None


@pytest.mark.parametrize("mode", SimulationMode)
@pytest.mark.parametrize("form", [json.dumps, lambda parsed: parsed, lambda parsed: f"# YAML\n{json.dumps(parsed)}"])
def test_a_kubeconfig_names_its_cluster_by_the_current_context(mode, form):
    given = kubeconfig(
        "https://real.example.com", f"https://ledger-aws.{mode.value}.localcloud.invalid:443/", current="context-1"
    )
    assert cluster_of(form(given)) == Cluster("ledger-aws", mode)


@pytest.mark.parametrize(("name", "default"), [("default", True), ("default_7_51_1", True), ("defaults", False)])
def test_the_engines_own_providers_are_known_by_their_name(name, default):
    assert is_default(name) is default


def test_nested_settings_are_decoded_and_texts_are_left():
    given = {
        "allowedAccountIds": '["000000000000"]',
        "skipRegionValidation": "true",
        "kubeconfig": "{}",
        "region": "[odd",
        "version": "7.51.1",
    }
    assert settings(given) == {
        "allowedAccountIds": ["000000000000"],
        "skipRegionValidation": True,
        "kubeconfig": "{}",
        "region": "[odd",
    }
