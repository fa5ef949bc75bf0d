-- Read models: generations, checkpoints, versions seen, lag.
-- `:name` is a parameter; `app.queries.query("projections.<name>")` returns the text of a query.

-- name: advance_checkpoint
insert into projection_checkpoints as place (projection, generation, epoch, transaction_id, position, events)
select projection, generation, :epoch, :to_transaction_id, :to_position, :events
from projection_generations
where projection = :projection
and generation = :generation
and state <> 'retired'
for share
on conflict (projection, generation, epoch) do update
set
    transaction_id = excluded.transaction_id,
    position = excluded.position,
    events = place.events + excluded.events,
    moved_at = clock_timestamp()
where (place.transaction_id, place.position) = (:from_transaction_id, :from_position)
-- What a crash takes back is done again: read model and checkpoint stand or fall together.
returning set_config('synchronous_commit', 'off', true)

-- name: begin_projection
insert into projection_generations (projection, generation, state)
select :projection, 1, 'serving'
where not exists (select from projection_generations where projection = :projection)
on conflict do nothing
returning generation

-- name: forget_generation!
delete from projection_generations
where projection = :projection
and generation = :generation

-- name: keep_versions!
insert into projection_streams (projection, generation, stream, slot, version)
select :projection, :generation, stream, slot, version
from unnest(:streams::text[], :slots::smallint[], :versions::bigint[]) as last (stream, slot, version)
on conflict (projection, generation, stream) do update
set slot = excluded.slot, version = excluded.version

-- name: lock_retired_generation
select generation
from projection_generations
where projection = :projection
and state = 'retired'
order by generation
limit 1
for update

-- name: read_between
select
    stream,
    version,
    transaction_id,
    position,
    type,
    schema_version,
    data::text,
    metadata::text,
    change,
    total,
    recorded_at
from all_events
where stream = :stream
and version > :after
and version < :before
order by version

-- name: read_generation
select
    each.generation,
    identity.epoch,
    coalesce(place.transaction_id, 0),
    coalesce(place.position, 0)
from projection_generations as each
cross join cluster_identity as identity
left join projection_checkpoints as place
    on place.projection = each.projection
    and place.generation = each.generation
    and place.epoch = identity.epoch
where each.projection = :projection
and each.state = :state
limit 1

-- name: read_lag
select
    projection,
    generation,
    state,
    events,
    seconds
from projection_lag(:most)

-- name: read_versions
select
    asked.stream,
    event.slot,
    coalesce(known.version, 0)
from unnest(:streams::text[], :versions::bigint[]) as asked (stream, version)
-- What was dropped with its slot since the page was read is left out.
cross join lateral (
    select slot from all_events where all_events.stream = asked.stream and all_events.version = asked.version limit 1
) as event
left join lateral (
    select version
    from projection_streams
    where projection_streams.projection = :projection
    and projection_streams.generation = :generation
    and projection_streams.stream = asked.stream
    limit 1
) as known on true

-- name: rebuild_projection
select rebuild_projection(:projection)

-- name: serve_generation
select serve_generation(:projection, :generation)
