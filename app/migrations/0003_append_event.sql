-- Runs as its owner, so that a writer can add events in this way only.
create function append_event(
    in_stream text,
    in_type text,
    in_data json,
    in_metadata json,
    in_change bigint,
    in_idempotency_key text,
    in_expected_version bigint,
    out outcome text,
    out version bigint,
    out "position" bigint,
    out total bigint
)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
#variable_conflict use_column
declare
    earlier events;
begin
    -- One writer of a stream at a time; the statements behind this one see all that earlier writers committed.
    perform pg_advisory_xact_lock(hashtextextended(in_stream, 0));

    select * into earlier from events where stream = in_stream and idempotency_key = in_idempotency_key;
    if found then
        outcome := case
            when earlier.type = in_type and earlier.data::text = in_data::text then 'repeated'
            else 'key reused'
        end;
        version := earlier.version;
        "position" := earlier.position;
        total := earlier.total;
        return;
    end if;

    select * into earlier from events where stream = in_stream order by version desc limit 1;
    version := coalesce(earlier.version, 0);
    total := coalesce(earlier.total, 0);
    if in_expected_version <> version then
        outcome := 'version conflict';
        return;
    end if;

    outcome := 'stored';
    version := version + 1;
    total := total + in_change;
    insert into events (stream, version, type, data, metadata, change, total, idempotency_key)
    values (in_stream, version, in_type, in_data, in_metadata, in_change, total, in_idempotency_key)
    returning events.position into "position";
end
$$;

revoke all on function append_event(text, text, json, json, bigint, text, bigint) from public;
