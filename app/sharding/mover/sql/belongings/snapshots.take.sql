insert into snapshots
select *
from arriving_snapshots
on conflict (stream) do update
set version = excluded.version, schema_version = excluded.schema_version, state = excluded.state
where snapshots.version < excluded.version
