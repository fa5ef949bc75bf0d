select
    version,
    (select coalesce(json_object_agg(shard, state), '{}') from shards),
    (
        select coalesce(json_agg(json_build_array(slot, shard, epoch, state, moving_to, changed) order by slot), '[]')
        from slot_map
        where changed > %(known)s
    )
from slot_map_version
where version <> %(known)s
