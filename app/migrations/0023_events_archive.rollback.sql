do $$
begin
    if exists (select from events_archive) then
        raise exception 'there are archived events, and they would be lost';
    end if;
end
$$;

drop view all_events;

drop table events_archive;

drop function refuse_to_lose_archived_event();

drop index streams_closed;
