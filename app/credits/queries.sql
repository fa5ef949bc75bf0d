-- The ledger: balances, reservations, account statements, what is due.
-- `:name` is a parameter; `app.queries.query("credits.<name>")` returns the text of a query.

-- name: discard_lines!
delete from statement_lines
where generation = :generation

-- name: find_request
select version, total, content_hash
from events
where stream = :stream and idempotency_key = :key::uuid

-- name: keep_lines!
insert into statement_lines (generation, stream, version, slot, recorded_at, type, change, total, data)
select :generation, stream, version, slot, recorded_at, type, change, total, data
from unnest(
    :streams::text[],
    :versions::bigint[],
    :slots::smallint[],
    :times::timestamptz[],
    :types::text[],
    :changes::bigint[],
    :totals::bigint[],
    :data::json[]
) as line (stream, version, slot, recorded_at, type, change, total, data)
on conflict (generation, stream, version) do nothing

-- name: read_balances
select
    asked.stream,
    place.state = 'owned' and place.epoch = asked.epoch as here,
    head.version,
    head.total,
    head.due,
    head.closed,
    held.held
from unnest(:streams::text[], :slots::smallint[], :epochs::bigint[]) as asked (stream, slot, epoch)
-- The limits keep these what they are, one look into an index for each account.
left join lateral (
    select state, epoch from slots where slots.slot = asked.slot limit 1
) as place on true
left join lateral (
    select version, total, due, closed from streams where streams.stream = asked.stream limit 1
) as head on true
left join lateral (
    select coalesce(sum(held), 0)::bigint as held from reservations where reservations.stream = asked.stream and held > 0
) as held on true

-- name: read_due
select due, stream
from streams
where due <= :now
and (:after_due::timestamptz is null or (due, stream) > (:after_due, :after))
and slot in (select slot from slots where state = 'owned')
order by due, stream
limit :limit

-- name: read_reservation
select reservation, opened, version, opened_at, expires_at, reserved, captured, held, state
from reservations
where stream = :stream and reservation = :reservation

-- name: read_reservations
select reservation, opened, version, opened_at, expires_at, reserved, captured, held, state
from reservations
where stream = :stream and opened < :before
order by opened desc
limit :limit

-- name: read_statement
with place as materialized (
    select
        each.generation,
        coalesce(known.version, 0) as version
    from (select serving_generation('statement') as generation) as each
    left join projection_streams as known
        on known.projection = 'statement'
        and known.generation = each.generation
        and known.stream = :stream
)
-- What is not projected yet comes from the events: a line is there as soon as its change was answered.
(
    select version, recorded_at, type, change, total, data
    from all_events
    where stream = :stream
    and version < :before
    and version > (select version from place)
    order by version desc
    limit :limit
)
union all
(
    select version, recorded_at, type, change, total, data
    from statement_lines
    where generation = (select generation from place)
    and stream = :stream
    and version < :before
    order by version desc
    limit :limit
)
order by version desc
limit :limit

-- name: settle_due
select settle_due(:stream, :version, :due)
