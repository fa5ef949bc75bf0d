-- Moves of slots: their records on both shards, copying, comparing, dropping.
-- `:name` is a parameter; `app.queries.query("sharding.mover.<name>")` returns the text of a query.

-- name: abandon_arrival
select abandon_arrival(:slot::smallint, :move::uuid)

-- name: begin_arrival
select begin_arrival(:slot::smallint, :epoch::bigint, :source, :move::uuid)

-- name: begin_departure
select move, slot, epoch, target, step, aborting
from begin_departure(:slot::smallint, :epoch::bigint, :target, :move::uuid)
where move is not null

-- name: clear_heads!
truncate arriving_heads

-- name: count_missing_events
select coalesce(sum(head.version - coalesce(ours.version, 0)), 0)::bigint
from arriving_heads as head
left join streams as ours on ours.stream = head.stream

-- name: drop_reservations!
delete from reservations where slot = :slot

-- name: drop_slot_events
select drop_slot_events(:slot::smallint, :move::uuid, :limit)

-- name: drop_snapshots!
delete from snapshots
using streams
where streams.stream = snapshots.stream
and streams.slot = :slot

-- name: drop_statement_lines
select drop_statement_lines(:slot)

-- name: drop_subject_keys!
delete from subject_keys where slot = :slot

-- name: end_departure
select end_departure(:move::uuid, :step)

-- name: events_checksum
select stream, events, last_version, hash
from events_checksum(:streams::text[], :after::bigint[], :upto::bigint[])

-- name: forget_arrival
select forget_arrival(:slot::smallint, :move::uuid)

-- name: land_events!
copy arriving_events from stdin (format binary)

-- name: land_heads!
copy arriving_heads (stream, version, total, due, closed) from stdin (format binary)

-- name: leave_slot
select leave_slot(:slot::smallint, :move::uuid)

-- name: limit_lock
select
    set_config('lock_timeout', :wait, true),
    set_config('transaction_timeout', :hold, true)

-- name: lock_move
select pg_try_advisory_lock(:moves, :slot)

-- name: lock_slot
select pg_advisory_xact_lock(1, :slot)

-- name: may_drop_slot
select may_drop_slot(:slot::smallint, :move::uuid)

-- name: next_ranges
with behind as (
    select head.stream, coalesce(ours.version, 0) as after, head.version as upto
    from arriving_heads as head
    left join streams as ours on ours.stream = head.stream
    where coalesce(ours.version, 0) < head.version
    order by head.stream
    limit :limit::bigint
),
counted as (
    select *, sum(upto - after) over (order by stream) - (upto - after) as before
    from behind
)
select stream, after, least(upto, after + :limit::bigint - before)::bigint as upto
from counted
where before < :limit::bigint
order by stream

-- name: own_slot
select own_slot(:slot::smallint, :epoch::bigint, :move::uuid)

-- name: prepare_to_take_slot
select prepare_to_take_slot()

-- name: read_arrivals
select move, slot, epoch, source, abandoned
from slot_arrivals
where :slot::smallint is null or slot = :slot::smallint
order by began_at

-- name: read_departures
select move, slot, epoch, target, step, aborting
from slot_departures
where step in ('copying', 'left')
and (:slot::smallint is null or slot = :slot::smallint)
order by began_at

-- name: read_droppable
select move, slot, epoch, target, step, aborting
from slot_departures
where step = 'moved'
and (:slot::smallint is null or slot = :slot::smallint)
and left_at + make_interval(secs => :grace_seconds::double precision) <= clock_timestamp()
order by left_at

-- name: read_streams
select stream, version
from streams
where slot = :slot::smallint
and stream > :after
order by stream
limit :limit::bigint

-- name: receive_snapshots!
insert into snapshots
select *
from arriving_snapshots
on conflict (stream) do update
set version = excluded.version, schema_version = excluded.schema_version, state = excluded.state
where snapshots.version < excluded.version

-- name: receive_subject_keys!
insert into subject_keys
select *
from arriving_subject_keys
on conflict (subject) do update
set wrapped = excluded.wrapped, master_key = excluded.master_key, erased_at = excluded.erased_at
-- an erased subject stays erased
where subject_keys.erased_at is null

-- name: return_slot
select return_slot(:slot::smallint, :move::uuid)

-- name: send_events!
copy (
    select
        event.stream,
        event.version,
        event.slot,
        event.schema_version,
        event.recorded_at,
        event.change,
        event.total,
        event.idempotency_key,
        event.content_hash,
        event.type,
        event.data,
        event.metadata
    from unnest(:streams::text[], :after::bigint[], :upto::bigint[]) as asked (stream, after, upto)
    cross join lateral (
        select *
        from all_events
        where all_events.stream = asked.stream
        and all_events.version > asked.after
        and all_events.version <= asked.upto
    ) as event
)
to stdout (format binary)

-- name: send_heads!
copy (
    select stream, version, total, due, closed
    from streams
    where slot = :slot
)
to stdout (format binary)

-- name: send_snapshots!
copy (
    select *
    from snapshots
    where stream = any(:streams::text[])
)
to stdout (format binary)

-- name: send_subject_keys!
copy (
    select *
    from subject_keys
    where slot = :slot
)
to stdout (format binary)

-- name: slot_holders
select distinct coalesce('process ' || held.pid, 'prepared transaction ' || prepared.gid)
from pg_locks as held
-- locks of a prepared transaction have no process: its lock on its own transaction id identifies it
left join pg_locks as own
    on held.pid is null
    and own.pid is null
    and own.virtualtransaction = held.virtualtransaction
    and own.locktype = 'transactionid'
left join pg_prepared_xacts as prepared on prepared.transaction = own.transactionid
where held.locktype = 'advisory'
and held.database = (select oid from pg_database where datname = current_database())
and (held.classid, held.objid, held.objsubid) = (1, :slot, 2)
and held.granted
and held.pid is distinct from pg_backend_pid()
order by 1
limit 5

-- name: take_events
select take_events(:slot::smallint, :move::uuid)

-- name: take_heads
select take_heads(:slot::smallint, :move::uuid)

-- name: want_abort
select want_abort(:move::uuid, :wanted)
