create table subject_keys (
    subject text primary key collate "C",
    slot smallint not null,
    wrapped bytea,
    master_key text,
    created_at timestamptz default clock_timestamp(),
    erased_at timestamptz,
    constraint subject_keys_gone_is_erased check ((wrapped is null) = (erased_at is not null)),
    constraint subject_keys_wrapped_by_something check ((wrapped is null) = (master_key is null))
);

create index subject_keys_of_slot on subject_keys (slot);

comment on table subject_keys is 'The key of each person that their data is sealed with; it is in the slot of its subject.';
comment on column subject_keys.wrapped is 'Only the master key can unwrap it; null once the subject is erased.';
comment on column subject_keys.created_at is 'Null where the subject was erased before it had a key.';

-- Whatever brings rows here, a copy of a slot or an older backup: nobody comes back.
create function refuse_to_revive_subject() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'DELETE' then
        if exists (select from slots where slot = old.slot and state = 'left') then
            return old;
        end if;
    elsif old.erased_at is null or (new.wrapped is null and new.erased_at = old.erased_at) then
        return new;
    end if;
    raise exception 'what is known of the subject stays: % refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

create trigger subjects_stay_erased
before update or delete on subject_keys
for each row execute function refuse_to_revive_subject();

alter table subject_keys enable always trigger subjects_stay_erased;

grant select on subject_keys to ledger_writer, ledger_operator;
