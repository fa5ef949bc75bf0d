"""Read replicas: streaming standbys with an address of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud.postgres import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import World

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_replica_follows_its_primary(own_world: World, cloud: str, until: Callable[..., None]) -> None:
    primary = own_world.server(cloud)
    made = own_world.replica(primary, f"local-{cloud}-one-replica")
    replica = own_world.record(cloud, f"local-{cloud}-one-replica")
    replica_as = {"database": "ledger", "operator": primary.operator}
    standby = records.replace(replica, **replica_as)
    assert replica.address != primary.address
    assert own_world.ask(standby, "select pg_is_in_recovery()") is True
    with own_world.migrator(primary) as session:
        session.execute("create table seen (id int)")
    until(lambda: own_world.ask(standby, "select to_regclass('seen') is not null"))
    assert own_world.ask(primary, "select state from pg_stat_replication limit 1") is None  # not a superuser's eyes
    assert f"[{cloud}-one-replica]" not in (own_world.home.root / "pg_service.conf").read_text()

    own_world.delete(own_world.type_of(primary), made, skipFinalSnapshot=True, deletionProtection=False)
    assert own_world.ask(primary, "select count(*) from pg_replication_slots") == 0
