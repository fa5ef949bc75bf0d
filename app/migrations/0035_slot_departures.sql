create table slot_departures (
    move uuid primary key,
    slot smallint not null,
    epoch bigint not null,
    target text not null collate "C",
    step text not null default 'copying',
    aborting boolean not null default false,
    began_at timestamptz not null default clock_timestamp(),
    left_at timestamptz,
    ended_at timestamptz,
    constraint slot_departures_step check (step in ('copying', 'left', 'moved', 'dropped', 'aborted'))
);

create unique index slot_departures_unfinished on slot_departures (slot) where step in ('copying', 'left', 'moved');

comment on table slot_departures is 'Slots on their way from this shard to another one, and those that went.';
comment on column slot_departures.epoch is 'Of the slot on this shard.';
comment on column slot_departures.step is
    'copying: this shard takes writes; left: it does not, and the slot map decides; moved: its rows are to be dropped.';
comment on column slot_departures.aborting is 'Somebody wants the move undone, which the slot map may still refuse.';

-- Null where this shard does not own the slot in that epoch.
create function begin_departure(in_slot smallint, in_epoch bigint, in_target text, in_move uuid) returns slot_departures
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    departure slot_departures;
begin
    select * into departure from slot_departures where slot = in_slot and step in ('copying', 'left');
    if not found and exists (select from slots where slot = in_slot and epoch = in_epoch and state = 'owned') then
        insert into slot_departures (move, slot, epoch, target)
        values (in_move, in_slot, in_epoch, in_target)
        returning * into departure;
    end if;
    return departure;
end
$$;

-- From here on no shard takes writes until the slot map has decided.
create function leave_slot(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(1, in_slot);
    update slot_departures
    set step = 'left', left_at = clock_timestamp()
    where move = in_move and slot = in_slot and step = 'copying' and not aborting;
    if not found then
        raise exception 'move % of slot % is not one that may leave', in_move, in_slot;
    end if;
    update slots
    set state = 'left'
    where slot = in_slot
    and state = 'owned'
    and epoch = (select epoch from slot_departures where move = in_move);
    if not found then
        raise exception 'slot % is not owned here', in_slot;
    end if;
end
$$;

create function want_abort(in_move uuid, in_wanted boolean) returns void
language sql
security definer
set search_path = pg_catalog, public, pg_temp
begin atomic
    update slot_departures set aborting = in_wanted where move = in_move and step in ('copying', 'left');
end;

-- Only after the slot map has refused the target for good.
create function return_slot(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    update slot_departures
    set step = 'copying', left_at = null, aborting = true
    where move = in_move and slot = in_slot and step in ('copying', 'left');
    if found then
        update slots set state = 'owned' where slot = in_slot and state = 'left';
    end if;
end
$$;

create function end_departure(in_move uuid, in_step text) returns void
language sql
security definer
set search_path = pg_catalog, public, pg_temp
begin atomic
    update slot_departures
    set step = in_step, ended_at = case when in_step <> 'moved' then clock_timestamp() end
    where move = in_move
    and case in_step
        when 'moved' then step = 'left'
        when 'dropped' then step = 'moved'
        when 'aborted' then step = 'copying' and aborting
        else false
    end;
end;

revoke all on function begin_departure, leave_slot, want_abort, return_slot, end_departure from public;

grant execute on function begin_departure, leave_slot, want_abort, return_slot, end_departure to ledger_operator;

grant select on slot_departures to ledger_writer, ledger_operator;

grant select on slots, streams, events, snapshots to ledger_operator;
