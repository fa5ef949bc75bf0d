-- An event that comes from elsewhere gets its place in the order of this server: so a reader here meets it, once.
create function stamp_event() returns trigger
language plpgsql
as $$
begin
    new.transaction_id := pg_current_xact_id();
    new.position := nextval('event_position');
    return new;
end
$$;

create trigger events_are_stamped
before insert on events
for each row
-- events that are new have the stamp by default, and are spared the call
when (new.transaction_id is distinct from pg_current_xact_id())
execute function stamp_event();

alter table events enable always trigger events_are_stamped;
