-- Whether the rows of a slot may go: it has moved away, or its arrival was abandoned.
create function may_drop_slot(in_slot smallint, in_move uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, public, pg_temp
begin atomic
    select exists (select from slots where slot = in_slot and state = 'left')
    and (
        exists (select from slot_departures where slot = in_slot and move = in_move and step = 'moved')
        or exists (select from slot_arrivals where slot = in_slot and move = in_move and abandoned)
    );
end;

-- Drops some events of a slot, and the streams that are empty then. How many rows went: none, when all are gone.
create function drop_slot_events(in_slot smallint, in_move uuid, in_limit bigint) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    dropped bigint;
    emptied bigint;
begin
    if not may_drop_slot(in_slot, in_move) then
        raise exception 'slot % is not one to be dropped here', in_slot using errcode = 'object_not_in_prerequisite_state';
    end if;

    with gone as (
        select event.stream, event.version
        from (select stream from streams where slot = in_slot order by stream limit in_limit) as part
        cross join lateral (
            select stream, version from all_events where all_events.stream = part.stream limit in_limit
        ) as event
        limit in_limit
    ),
    archived as (
        delete from events_archive as event
        using gone
        where event.stream = gone.stream and event.version = gone.version
        returning event.version
    ),
    current as (
        delete from events as event
        using gone
        where event.stream = gone.stream and event.version = gone.version
        returning event.version
    )
    select (select count(*) from archived) + (select count(*) from current) into dropped;

    with emptied as (
        select stream
        from (select stream from streams where slot = in_slot order by stream limit in_limit) as part
        where not exists (select from all_events where all_events.stream = part.stream)
    )
    delete from streams using emptied where streams.stream = emptied.stream;
    get diagnostics emptied = row_count;

    return dropped + emptied;
end
$$;

revoke all on function may_drop_slot, drop_slot_events from public;

grant execute on function may_drop_slot, drop_slot_events to ledger_operator;

grant insert, update, delete on snapshots, subject_keys to ledger_operator;
