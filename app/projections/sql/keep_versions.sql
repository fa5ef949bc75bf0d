insert into projection_streams (projection, generation, stream, slot, version)
select %(projection)s, %(generation)s, stream, slot, version
from unnest(%(streams)s::text[], %(slots)s::smallint[], %(versions)s::bigint[]) as last (stream, slot, version)
on conflict (projection, generation, stream) do update
set slot = excluded.slot, version = excluded.version
