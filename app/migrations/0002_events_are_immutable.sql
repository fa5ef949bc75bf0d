create function refuse_to_change_events() returns trigger
language plpgsql
as $$
begin
    raise exception 'events are immutable: % refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

create trigger events_are_immutable
before update or delete or truncate on events
for each statement execute function refuse_to_change_events();

-- also where a session plays the part of a replica
alter table events enable always trigger events_are_immutable;
