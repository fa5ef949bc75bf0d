create table reservations (
    stream text not null collate "C",
    reservation text not null collate "C",
    slot smallint not null,
    opened bigint not null,
    version bigint not null,
    opened_at timestamptz not null,
    expires_at timestamptz,
    reserved bigint not null,
    captured bigint not null default 0,
    held bigint not null,
    state text not null default 'open',
    primary key (stream, reservation),
    constraint reservations_held check (held >= 0),
    constraint reservations_state check (state in ('open', 'captured', 'released', 'expired'))
);

create unique index reservations_in_order on reservations (stream, opened);

create index reservations_held on reservations (stream) include (held) where held > 0;

create index reservations_of_slot on reservations (slot);

comment on table reservations is 'Read model: every reservation of every account, written with its events.';
comment on column reservations.opened is 'Version of the event that reserved the credits.';
comment on column reservations.version is 'Version of the last event of the reservation; what is not newer changes nothing.';
comment on column reservations.held is 'Credits that are still reserved.';

create function keep_reservation() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    named constant text := new.data ->> 'reservation';
    amount constant bigint := new.data ->> 'amount';
begin
    if named is null then
        return null; -- a stream of something else that uses the same word
    end if;

    if new.type = 'Reserved' then
        insert into reservations (stream, reservation, slot, opened, version, opened_at, expires_at, reserved, held)
        values (
            new.stream,
            named,
            new.slot,
            new.version,
            new.version,
            new.recorded_at,
            (new.data ->> 'expires_at')::timestamptz,
            amount,
            amount
        )
        on conflict do nothing;
        return null;
    end if;

    update reservations
    set
        version = new.version,
        captured = captured + case when new.type = 'Captured' then amount else 0 end,
        held = held - amount,
        state = case
            when held > amount then 'open'
            when new.type = 'Captured' then 'captured'
            when new.type = 'Released' then 'released'
            else 'expired'
        end
    where stream = new.stream and reservation = named and version < new.version;

    -- Events of a stream come in order; what could not be made good later is refused now.
    if not found and not exists (select from reservations where stream = new.stream and reservation = named) then
        raise exception '% of % comes before its reservation', new.type, new.stream;
    end if;
    return null;
end
$$;

revoke all on function keep_reservation() from public;

create trigger reservations_are_kept
after insert on events
for each row
-- all other events are spared the call, and a statement of many needs no second copy of its rows
when (new.type in ('Reserved', 'Captured', 'Released', 'ReservationExpired'))
execute function keep_reservation();

alter table events enable always trigger reservations_are_kept;

grant select on reservations to ledger_writer;

grant select, insert, update, delete on reservations to ledger_operator;
