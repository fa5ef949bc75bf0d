-- The event store: appends, reads of streams, tails, archive, bulk import.
-- `:name` is a parameter; `app.queries.query("events.<name>")` returns the text of a query.

-- name: append
select
    request,
    outcome,
    version,
    total
from append_events(
    :now,
    :streams::text[],
    :hashes::bigint[],
    :slots::smallint[],
    :epochs::bigint[],
    :expected_versions::bigint[],
    :idempotency_keys::uuid[],
    :content_hashes::bigint[],
    :floors::bigint[],
    :dues::timestamptz[],
    :closes::boolean[],
    :counts::integer[],
    :sums::bigint[],
    :snapshot_schemas::smallint[],
    :snapshots::json[],
    :requests::integer[],
    :numbers::integer[],
    :types::text[],
    :schema_versions::smallint[],
    :changes::bigint[],
    :running_sums::bigint[],
    :data::json[],
    :metadata::json[]
)

-- name: append_one
select
    1,
    outcome,
    version,
    total
from append_event(:fields::text[])

-- name: archive_events
select archive_events(:stream, :limit)

-- name: begin_import
select
    number,
    outcome,
    version,
    total
from begin_import(
    :name,
    :after::bigint,
    :upto::bigint,
    :streams::text[],
    :slots::smallint[],
    :epochs::bigint[],
    :counts::bigint[],
    :sums::bigint[],
    :dues::timestamptz[]
)

-- name: import_events!
copy events (
    stream,
    version,
    slot,
    schema_version,
    recorded_at,
    change,
    total,
    idempotency_key,
    content_hash,
    type,
    data,
    metadata
)
from stdin (format binary)

-- name: notify
select
    -- Nobody loses anything by a lost notice: so no transaction behind it waits for this one's flush.
    set_config('synchronous_commit', 'off', true),
    pg_notify('events', '')

-- name: probe
select exists (select from slots)

-- name: read_closed_streams
select stream
from streams
where closed
and stream > :after
and exists (
    select
    from events
    where events.stream = streams.stream
    and events.version < streams.version
)
and (
    select recorded_at
    from events
    where events.stream = streams.stream
    and events.version = streams.version
) < :closed_before
order by stream
limit :limit

-- name: read_from_snapshot
select
    version,
    null as type,
    schema_version,
    state::text as data
from snapshots
where stream = :stream
and schema_version = :schema_version
union all
select
    version,
    type,
    schema_version,
    data::text
from all_events
where stream = :stream
and version > coalesce(
    (
        select version
        from snapshots
        where stream = :stream
        and schema_version = :schema_version
    ),
    0
)
order by version
limit :rows

-- name: read_head
select
    version,
    total,
    due,
    closed
from streams
where stream = :stream

-- name: read_heads
select
    stream,
    version,
    total,
    due,
    closed
from streams
where stream = any(:streams::text[])

-- name: read_import_position
select position
from imports
where name = :name

-- name: read_past
select
    version,
    type,
    schema_version,
    data::text
from all_events
where stream = :stream
and version > :after
order by version
limit :limit

-- name: read_stream
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
order by version
limit :limit

-- name: read_tail
select
    stream,
    version,
    transaction_id,
    position,
    type,
    schema_version,
    data,
    metadata,
    change,
    total,
    recorded_at
from tail_events(:transaction_id, :position, :limit)

-- name: read_tail_epoch
select
    (select system_identifier from pg_control_system()),
    -- The control file learns of a promotion only at the next checkpoint.
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint

-- name: read_tail_lag
select
    oldest_transaction_id,
    next_transaction_id,
    writing_seconds,
    prepared_seconds,
    waiting_seconds
from tail_lag()

-- name: rebase
select rebase_events()
