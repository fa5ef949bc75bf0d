-- Keeps a new key, unless the subject has one already: then it gives that one.
create function keep_subject_key(
    in_subject text,
    in_slot smallint,
    in_epoch bigint,
    in_wrapped bytea,
    in_master_key text,
    out outcome text,
    out epoch bigint,
    out wrapped bytea,
    out master_key text
)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
#variable_conflict use_column
begin
    -- Whoever moves the slot takes this lock alone.
    perform pg_advisory_xact_lock_shared(1, in_slot);
    epoch := (select epoch from slots where slot = in_slot and state = 'owned');
    if epoch is distinct from in_epoch then
        outcome := 'wrong epoch';
        return;
    end if;

    insert into subject_keys (subject, slot, wrapped, master_key)
    values (in_subject, in_slot, in_wrapped, in_master_key)
    on conflict (subject) do nothing;

    select subject_keys.wrapped, subject_keys.master_key into wrapped, master_key
    from subject_keys
    where subject = in_subject;
    outcome := case when wrapped is null then 'erased' else 'kept' end;
end
$$;

revoke all on function keep_subject_key from public;

grant execute on function keep_subject_key to ledger_writer;

-- Puts the same key, wrapped by another master key, in place of what was there. Whether it did.
create function rewrap_subject_key(in_subject text, in_from bytea, in_wrapped bytea, in_master_key text) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(1, slot) from subject_keys where subject = in_subject;
    update subject_keys
    set wrapped = in_wrapped, master_key = in_master_key
    where subject = in_subject
    and wrapped = in_from
    and exists (select from slots where slots.slot = subject_keys.slot and state = 'owned');
    return found;
end
$$;

revoke all on function rewrap_subject_key from public;

grant execute on function rewrap_subject_key to ledger_operator;
