"""Ports that are open to any address."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from policies import CRITICAL, HIGH, Resource, Verdict, applies_to, fails, passes_if
from policies.clouds.addresses import Sources
from policies.controls.network_exposure import EVIDENCE, control
from policies.controls.network_exposure.firewall_rules import (
    ACLS,
    FIREWALL_CLOUDS,
    open_beyond,
    open_to_anybody,
    rules_of,
)


class Administration(Sources):
    """Options of NET-001."""

    administration_ports: tuple[int, ...] = Field(
        default=(22, 23, 2375, 3389, 5985, 5986, 6443, 10250),
        description="Ports by which machines and clusters are administered.",
    )


class DataStores(Sources):
    """Options of NET-002."""

    data_store_ports: tuple[int, ...] = Field(
        default=(445, 1433, 1521, 2049, 2379, 3306, 5432, 5433, 6379, 9042, 9092, 9200, 11211, 27017),
        description="Ports at which databases, caches, brokers and file servers answer.",
    )


class Public(Sources):
    """Options of NET-012."""

    public_ports: tuple[int, ...] = Field(
        default=(80, 443), description="Ports that may be open to any address; all others may not."
    )


administration_closed = control(
    "NET-001",
    title="Ports of administration are closed to the internet",
    severity=CRITICAL,
    maps={**EVIDENCE, "pci_dss": ["1.2.5", "1.3.1", "1.4.2"]},
    remedy="Name the networks that administer, or better, close the port and use the cloud's session service.",
    options=Administration,
)
data_stores_closed = control(
    "NET-002",
    title="Ports of data stores are closed to the internet",
    severity=CRITICAL,
    maps=EVIDENCE,
    remedy="Let only the networks or groups of the clients in.",
    options=DataStores,
)
few_public_ports = control(
    "NET-012",
    title="Only agreed ports are open to the internet",
    severity=HIGH,
    maps={**EVIDENCE, "pci_dss": ["1.2.5", "1.3.1", "1.4.2"]},
    remedy="Close the port to the internet, or agree on it in the option publicPorts.",
    options=Public,
)


def _open(ports: Collection[int]) -> Verdict:
    return passes_if(not ports, f"any address reaches {', '.join(map(str, ports))}")


def judge_administration(rules: Resource, options: Administration) -> Verdict:
    return _open(open_to_anybody(rules, options.administration_ports, options))


administration_checks = tuple(administration_closed(rules_of(cloud)(judge_administration)) for cloud in FIREWALL_CLOUDS)


def judge_data_stores(rules: Resource, options: DataStores) -> Verdict:
    return _open(open_to_anybody(rules, options.data_store_ports, options))


# Network ACLs know no connections: they must let answers in at high ports, where data stores answer too.
data_store_checks = tuple(data_stores_closed(rules_of(cloud, but=ACLS)(judge_data_stores)) for cloud in FIREWALL_CLOUDS)


@data_stores_closed
@applies_to(
    "azure-native:sql:FirewallRule",
    "azure-native:dbforpostgresql:FirewallRule",
    "azure-native:dbformysql:FirewallRule",
    reads=["startIpAddress", "endIpAddress"],
)
def azure_database_firewall_is_narrow(rule: Resource, options: DataStores) -> Verdict:
    first, last = rule.text("startIpAddress"), rule.text("endIpAddress")
    if not first or not last:
        return fails("it names no addresses")
    return passes_if(not options.spans_open(first, last), f"it lets {first} to {last} in")


_NETWORKS = "settings.ipConfiguration.authorizedNetworks.value"


@data_stores_closed
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=[_NETWORKS])
def cloud_sql_networks_are_narrow(instance: Resource, options: DataStores) -> Verdict:
    opened = [text for text in instance.texts(_NETWORKS) if options.is_open(text, _NETWORKS)]
    return passes_if(not opened, f"it lets {', '.join(opened)} in")


def judge_public_ports(rules: Resource, options: Public) -> Verdict:
    found = open_beyond(rules, options.public_ports, options)
    return passes_if(not found, f"any address reaches {', '.join(found)}")


public_port_checks = tuple(few_public_ports(rules_of(cloud, but=ACLS)(judge_public_ports)) for cloud in FIREWALL_CLOUDS)
