do $$
declare
    part regclass;
begin
    for part in select inhrelid::regclass from pg_inherits where inhparent = 'events'::regclass loop
        execute format('drop trigger events_are_not_truncated on %s', part);
    end loop;
end
$$;

drop trigger events_are_not_truncated on events;

drop trigger events_are_not_rewritten on events;

drop trigger events_are_not_deleted on events;

drop function refuse_to_rewrite_event();

drop function refuse_to_lose_event();

drop function refuse_to_change_events();
