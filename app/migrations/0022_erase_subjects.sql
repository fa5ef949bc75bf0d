-- Destroys keys for good, wherever this shard has them. Where the slot is owned here the erasure is noted even of a
-- subject without a key: so it never gets one.
create function erase_subjects(
    in_subjects text[],
    in_slots smallint[],
    in_times timestamptz[],
    out subject text,
    out owned boolean,
    out destroyed boolean
)
returns setof record
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
#variable_conflict use_column
declare
    asked record;
begin
    for asked in
        select *
        from unnest(in_subjects, in_slots, in_times) as asked (subject, slot, at)
        -- the same order for everybody: so nobody waits in a circle
        order by slot, subject
    loop
        perform pg_advisory_xact_lock_shared(1, asked.slot);
        subject := asked.subject;
        owned := exists (select from slots where slot = asked.slot and state = 'owned');

        -- Waits for whoever is about to keep a key of the subject; the next statement sees that key.
        insert into subject_keys (subject, slot, created_at, erased_at)
        select asked.subject, asked.slot, null, asked.at
        where owned
        on conflict (subject) do nothing;

        update subject_keys
        set wrapped = null, master_key = null, erased_at = asked.at
        where subject = asked.subject and wrapped is not null;
        destroyed := found;
        return next;
    end loop;
end
$$;

revoke all on function erase_subjects from public;

grant execute on function erase_subjects to ledger_operator;

create table erasures (
    subject text primary key collate "C",
    erased_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp()
);

comment on table erasures is
    'Whom to forget again after a restore of other shards: every erasure, wherever its subject is at home.';

create trigger erasures_are_immutable
before update or delete on erasures
for each statement execute function refuse_to_change_events();

create trigger events_are_not_truncated
before truncate on erasures
for each statement execute function refuse_to_change_events();

alter table erasures enable always trigger erasures_are_immutable;

alter table erasures enable always trigger events_are_not_truncated;

grant select, insert on erasures to ledger_operator;
