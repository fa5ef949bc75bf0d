-- One append of one event: what append_events would do with it, without the price of statements that are made for many.
-- The one parameter holds, as texts: now, stream, hash, slot, epoch, expected version, idempotency key, content hash,
-- floor, due, closes, snapshot schema, snapshot, type, schema version, change, data, metadata. (Each parameter of its own
-- would cost as much as finding the head of the stream.)
create function append_event(in_fields text[], out outcome text, out version bigint, out total bigint)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    in_now constant timestamptz := in_fields[1];
    in_stream constant text := in_fields[2];
    in_slot constant smallint := in_fields[4];
    in_expected_version constant bigint := in_fields[6];
    in_key constant uuid := in_fields[7];
    in_content_hash constant bigint := in_fields[8];
    in_due constant timestamptz := in_fields[10];
    in_change constant bigint := in_fields[16];
    place_epoch bigint;
    place_state text;
    head_version bigint;
    head_total bigint;
    head_due timestamptz;
    head_closed boolean;
    earlier_version bigint;
    earlier_content_hash bigint;
    earlier_total bigint;
begin
    perform pg_advisory_xact_lock_shared(1, in_slot), pg_advisory_xact_lock(in_fields[3]::bigint);

    select place.epoch, place.state, head.version, head.total, head.due, head.closed
    into place_epoch, place_state, head_version, head_total, head_due, head_closed
    from (select) as once
    left join slots as place on place.slot = in_slot
    left join streams as head on head.stream = in_stream;

    if in_key is not null then
        select version, content_hash, events.total
        into earlier_version, earlier_content_hash, earlier_total
        from events
        where stream = in_stream and idempotency_key = in_key;
    end if;

    outcome := append_outcome(
        place_epoch, place_state, head_version, head_total, head_due, head_closed,
        earlier_version, earlier_content_hash,
        in_now, in_fields[5]::bigint, in_expected_version, in_content_hash, in_fields[9]::bigint, in_change
    );
    if outcome <> 'stored' then
        version := case outcome
            when 'repeated' then earlier_version
            when 'wrong epoch' then place_epoch
            else coalesce(head_version, 0)
        end;
        total := case outcome when 'repeated' then earlier_total else coalesce(head_total, 0) end;
        return;
    end if;

    version := coalesce(head_version, 0) + 1;
    total := coalesce(head_total, 0) + in_change;
    insert into streams (stream, slot, version, total, due, closed)
    values (
        in_stream,
        in_slot,
        append_event.version,
        append_event.total,
        case when in_expected_version is null then least(head_due, in_due) else in_due end,
        in_fields[11]::boolean
    )
    on conflict (stream) do update
    set
        slot = excluded.slot,
        version = excluded.version,
        total = excluded.total,
        due = excluded.due,
        closed = excluded.closed;

    if in_fields[13] is not null then
        insert into snapshots (stream, version, schema_version, state)
        values (in_stream, append_event.version, in_fields[12]::smallint, in_fields[13]::json)
        on conflict (stream) do update
        set version = excluded.version, schema_version = excluded.schema_version, state = excluded.state;
    end if;

    insert into events (
        stream, version, slot, schema_version, change, total, idempotency_key, content_hash, type, data, metadata
    )
    values (
        in_stream,
        append_event.version,
        in_slot,
        in_fields[15]::smallint,
        in_change,
        append_event.total,
        in_key,
        in_content_hash,
        in_fields[14],
        in_fields[17]::json,
        in_fields[18]::json
    );
end
$$;

revoke all on function append_event from public;
