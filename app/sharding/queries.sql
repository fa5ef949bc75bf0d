-- The slot map, the slots that a shard owns, and reads that check ownership.
-- `:name` is a parameter; `app.queries.query("sharding.<name>")` returns the text of a query.

-- name: add_shard
select outcome, held from add_shard(:shard)

-- name: begin_slot_move
select outcome, (entry).* from begin_slot_move(:slot::smallint, :changed::bigint, :target)

-- name: end_slot_move
select outcome, (entry).* from end_slot_move(:slot::smallint, :changed::bigint, :arrived)

-- name: flushed_lsn
-- a commit returns once its record is flushed: later positions may belong to nobody yet
select (pg_current_wal_flush_lsn() - '0/0')::bigint

-- name: read_heads
select
    stream is not null,
    stream,
    version,
    total,
    due,
    closed
from (
    select
    from unnest(:slots::smallint[], :epochs::bigint[]) as asked (slot, epoch)
    left join slots on slots.slot = asked.slot and slots.epoch = asked.epoch and slots.state = 'owned'
    having bool_and(slots.slot is not null)
) as place
left join streams on stream = any(:streams::text[])

-- name: read_if_owned
select found.*
from (
    select from slots where slot = :slot and epoch = :epoch and state = 'owned'
) as place
left join lateral (
    select true, answer.*
    from ({query}) as answer
) as found on true

-- name: read_map
select
    version,
    (select coalesce(json_object_agg(shard, state), '{}') from shards),
    (
        select coalesce(json_agg(json_build_array(slot, shard, epoch, state, moving_to, changed) order by slot), '[]')
        from slot_map
        where changed > :known
    )
from slot_map_version
where version <> :known

-- name: read_owned_epochs
select slot, epoch
from slots
where state = 'owned'

-- name: read_owned_slots
select slot from slots where state = 'owned'

-- name: read_slot_loads
select
    slot,
    sum(version)::bigint,
    (select sum(pg_total_relation_size(relid))::bigint from pg_partition_tree('events'))
from streams
join slots using (slot)
where slots.state = 'owned'
group by slot

-- name: remove_shard
select outcome, held from remove_shard(:shard)

-- name: replayed_lsn
select (pg_last_wal_replay_lsn() - '0/0')::bigint

-- name: set_shard_state
select outcome, held from set_shard_state(:shard, :state)
