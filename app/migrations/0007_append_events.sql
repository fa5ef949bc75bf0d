-- What becomes of an append: by its slot and its stream here, by the event with its key, and by what it asks for.
-- One expression, so that it becomes a part of the statements that call it.
create function append_outcome(
    place_epoch bigint,
    place_state text,
    head_version bigint,
    head_total bigint,
    head_due timestamptz,
    head_closed boolean,
    earlier_version bigint,
    earlier_content_hash bigint,
    now timestamptz,
    epoch bigint,
    expected_version bigint,
    content_hash bigint,
    floor bigint,
    sum bigint
)
returns text
language sql
immutable
as $$
    select case
        when place_epoch is distinct from epoch or place_state <> 'owned' then 'wrong epoch'
        when earlier_version is not null and earlier_content_hash = content_hash then 'repeated'
        when earlier_version is not null then 'key reused'
        when expected_version <> coalesce(head_version, 0) then 'version conflict'
        when head_closed then 'closed'
        when sum > 0 and head_total > 9223372036854775807 - sum then 'total out of range'
        when sum < 0 and head_total < -9223372036854775808 - sum then 'total out of range'
        when floor is null or expected_version is not null then 'stored'
        when head_due <= now then 'due'
        when coalesce(head_total, 0) + sum < floor then 'below floor'
        else 'stored'
    end
$$;

revoke all on function append_outcome from public;

-- Many appends in one call, each judged by itself. A stream is named once in a call, and streams come in the order of
-- their hashes: so calls that wait for each other never do so in a circle.
-- Runs as its owner, so that a writer can add events in this way only.
create function append_events(
    in_now timestamptz,
    -- one for each append
    in_streams text[],
    in_hashes bigint[],
    in_slots smallint[],
    in_epochs bigint[],
    in_expected_versions bigint[],
    in_idempotency_keys uuid[],
    in_content_hashes bigint[],
    in_floors bigint[],
    in_dues timestamptz[],
    in_closes boolean[],
    in_counts integer[],
    in_sums bigint[],
    in_snapshot_schemas smallint[],
    in_snapshots json[],
    -- one for each event: the number of its append, its own number in that, both from 1 on
    in_requests integer[],
    in_numbers integer[],
    in_types text[],
    in_schema_versions smallint[],
    in_changes bigint[],
    in_running_sums bigint[],
    in_data json[],
    in_metadata json[],
    out request integer,
    out outcome text,
    out version bigint,
    out total bigint
)
returns setof record
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
-- planning anew would take longer than everything else here
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    -- Whoever moves a slot takes its lock alone; whoever writes into it shares it.
    perform pg_advisory_xact_lock_shared(1, slot) from unnest(in_slots) as slot;
    -- One writer of a stream at a time; the statement behind this one sees all that earlier writers committed.
    perform pg_advisory_xact_lock(hash) from unnest(in_hashes) as hash;

    return query
    with asked as (
        select *
        from unnest(
            in_streams, in_slots, in_epochs, in_expected_versions, in_idempotency_keys, in_content_hashes,
            in_floors, in_dues, in_closes, in_counts, in_sums, in_snapshot_schemas, in_snapshots
        )
        with ordinality as asked (
            stream, slot, epoch, expected_version, idempotency_key, content_hash,
            floor, due, closes, count, sum, snapshot_schema, snapshot, request
        )
    ),
    judged as materialized (
        select
            asked.*,
            coalesce(head.version, 0) as version,
            coalesce(head.total, 0) as total,
            head.due as head_due,
            place.epoch as actual_epoch,
            earlier.version as earlier_version,
            earlier.total as earlier_total,
            append_outcome(
                place.epoch, place.state, head.version, head.total, head.due, head.closed,
                earlier.version, earlier.content_hash,
                in_now, asked.epoch, asked.expected_version, asked.content_hash, asked.floor, asked.sum
            ) as outcome
        from asked
        -- The limits keep these what they are, one look into an index for each append.
        left join lateral (
            select epoch, state from slots where slots.slot = asked.slot limit 1
        ) as place on true
        left join lateral (
            select version, total, due, closed from streams where streams.stream = asked.stream limit 1
        ) as head on true
        left join lateral (
            select version, content_hash, total - change as total
            from events
            where events.stream = asked.stream and events.idempotency_key = asked.idempotency_key
            limit 1
        ) as earlier on asked.idempotency_key is not null
    ),
    heads as (
        insert into streams (stream, slot, version, total, due, closed)
        select
            stream,
            slot,
            version + count,
            total + sum,
            case when expected_version is null then least(head_due, due) else due end,
            closes
        from judged
        where outcome = 'stored'
        on conflict (stream) do update
        set
            slot = excluded.slot,
            version = excluded.version,
            total = excluded.total,
            due = excluded.due,
            closed = excluded.closed
    ),
    kept as (
        insert into snapshots (stream, version, schema_version, state)
        select stream, version + count, snapshot_schema, snapshot
        from judged
        where outcome = 'stored' and snapshot is not null
        on conflict (stream) do update
        set version = excluded.version, schema_version = excluded.schema_version, state = excluded.state
    ),
    stored as (
        insert into events (
            stream, version, slot, schema_version, change, total, idempotency_key, content_hash, type, data, metadata
        )
        select
            judged.stream,
            judged.version + event.number,
            judged.slot,
            event.schema_version,
            event.change,
            judged.total + event.running_sum,
            case when event.number = 1 then judged.idempotency_key end,
            case when event.number = 1 then judged.content_hash end,
            event.type,
            event.data,
            event.metadata
        from unnest(
            in_requests, in_numbers, in_types, in_schema_versions, in_changes, in_running_sums, in_data, in_metadata
        ) as event (request, number, type, schema_version, change, running_sum, data, metadata)
        join judged on judged.request = event.request
        where judged.outcome = 'stored'
    )
    select
        request::integer,
        outcome,
        case outcome
            when 'stored' then version + count
            when 'repeated' then earlier_version + count - 1
            when 'wrong epoch' then actual_epoch
            else version
        end,
        case outcome
            when 'stored' then total + sum
            when 'repeated' then earlier_total + sum
            else total
        end
    from judged;
end
$$;

revoke all on function append_events(
    timestamptz, text[], bigint[], smallint[], bigint[], bigint[], uuid[], bigint[], bigint[], timestamptz[], boolean[],
    integer[], bigint[], smallint[], json[], integer[], integer[], text[], smallint[], bigint[], bigint[], json[], json[]
) from public;
