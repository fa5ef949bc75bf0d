-- Moves the oldest events of a closed stream to the archive, all but the last: its key goes on telling who closed it.
-- How many it moved: less than asked for when no more are left, and none of a stream that is not closed.
create function archive_events(in_stream text, in_limit bigint) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    head streams;
    newest bigint;
    moved bigint;
begin
    -- Whoever moves the slot takes this lock alone.
    perform pg_advisory_xact_lock_shared(1, slot) from streams where stream = in_stream;
    select * into head from streams where stream = in_stream and closed for update;
    if not found or not exists (select from slots where slot = head.slot and state = 'owned') then
        return 0;
    end if;

    with oldest as (
        select * from events where stream = in_stream and version < head.version order by version limit in_limit
    ),
    archived as (
        insert into events_archive select * from oldest returning version
    )
    select count(*), max(version) into moved, newest from archived;

    -- A statement of its own, so that the trigger finds them in the archive.
    delete from events where stream = in_stream and version <= newest;
    return moved;
end
$$;

revoke all on function archive_events from public;

grant execute on function archive_events to ledger_operator;
