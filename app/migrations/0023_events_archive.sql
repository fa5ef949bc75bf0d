create table events_archive (like events including comments);

alter table events_archive add primary key (stream, version);

create index events_archive_in_order on events_archive (transaction_id, position);

-- Those that may be archived are found here.
create index streams_closed on streams (stream) where closed;

comment on table events_archive is
    'Events of closed streams; with those in events they are the whole. They take no new ones, so no key is unique here.';

create function refuse_to_lose_archived_event() returns trigger
language plpgsql
as $$
begin
    if exists (select from slots where slot = old.slot and state = 'left') then
        return old;
    end if;
    raise exception 'events are immutable: DELETE refused' using errcode = 'insufficient_privilege';
end
$$;

create trigger archived_events_are_not_deleted
before delete on events_archive
for each row execute function refuse_to_lose_archived_event();

create trigger archived_events_are_not_rewritten
before update on events_archive
for each row execute function refuse_to_rewrite_event();

create trigger events_are_not_truncated
before truncate on events_archive
for each statement execute function refuse_to_change_events();

alter table events_archive enable always trigger archived_events_are_not_deleted;

alter table events_archive enable always trigger archived_events_are_not_rewritten;

alter table events_archive enable always trigger events_are_not_truncated;

create view all_events as
select * from events
union all
select * from events_archive;

comment on view all_events is 'Every event of this shard, also the archived ones.';

grant select on events_archive, all_events to ledger_writer, ledger_operator;
