-- The first slots of a shard and the first slot map.
-- `:name` is a parameter; `app.queries.query("provisioning.<name>")` returns the text of a query.

-- name: seed_map!
with begun as (
    update slot_map_version set version = 1 where version = 0 returning version
),
named as (
    insert into shards (shard, state)
    select shard, 'active' from begun, unnest(:shards::text[]) as shard
    returning shard
)
insert into slot_map (slot, shard, epoch, state, changed)
select slot, named.shard, :epoch, 'owned', begun.version
from begun, unnest(:slots::smallint[], :owners::text[]) as given (slot, shard)
join named on named.shard = given.shard

-- name: seed_slots!
insert into slots (slot, epoch, state)
select
    slot,
    :epoch,
    'owned'
from unnest(:slots::smallint[]) as slot
where not exists (select from slots)
