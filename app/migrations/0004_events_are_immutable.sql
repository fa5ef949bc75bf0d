create function refuse_to_change_events() returns trigger
language plpgsql
as $$
begin
    raise exception 'events are immutable: % refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

-- Only what is kept elsewhere may go: in the archive, or on the shard that the slot moved to.
create function refuse_to_lose_event() returns trigger
language plpgsql
as $$
begin
    if exists (select from slots where slot = old.slot and state = 'left')
        or exists (select from events_archive where stream = old.stream and version = old.version)
    then
        return old;
    end if;
    raise exception 'events are immutable: DELETE refused' using errcode = 'insufficient_privilege';
end
$$;

-- What happened stays; its place in the order of this server is given anew after a restore.
create function refuse_to_rewrite_event() returns trigger
language plpgsql
as $$
declare
    moved events := old;
begin
    moved.transaction_id := new.transaction_id;
    moved.position := new.position;
    if moved::text = new::text then
        return new;
    end if;
    raise exception 'events are immutable: UPDATE refused' using errcode = 'insufficient_privilege';
end
$$;

create trigger events_are_not_deleted
before delete on events
for each row execute function refuse_to_lose_event();

create trigger events_are_not_rewritten
before update on events
for each row execute function refuse_to_rewrite_event();

create trigger events_are_not_truncated
before truncate on events
for each statement execute function refuse_to_change_events();

-- Always: also where a session plays the part of a replica. And on every partition: each can be addressed by its name.
alter table events enable always trigger events_are_not_deleted;

alter table events enable always trigger events_are_not_rewritten;

alter table events enable always trigger events_are_not_truncated;

do $$
declare
    part regclass;
begin
    for part in select inhrelid::regclass from pg_inherits where inhparent = 'events'::regclass loop
        execute format(
            'create trigger events_are_not_truncated before truncate on %s '
            'for each statement execute function refuse_to_change_events()',
            part
        );
        execute format('alter table %s enable always trigger events_are_not_truncated', part);
    end loop;
end
$$;
