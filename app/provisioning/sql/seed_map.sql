with begun as (
    update slot_map_version set version = 1 where version = 0 returning version
),
named as (
    insert into shards (shard, state)
    select shard, 'active' from begun, unnest(%(shards)s::text[]) as shard
    returning shard
)
insert into slot_map (slot, shard, epoch, state, changed)
select slot, named.shard, %(epoch)s, 'owned', begun.version
from begun, unnest(%(slots)s::smallint[], %(owners)s::text[]) as given (slot, shard)
join named on named.shard = given.shard
