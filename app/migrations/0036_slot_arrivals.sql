create table slot_arrivals (
    slot smallint primary key,
    move uuid not null,
    source text not null collate "C",
    epoch bigint not null,
    abandoned boolean not null default false,
    began_at timestamptz not null default clock_timestamp()
);

comment on table slot_arrivals is 'Slots on their way to this shard; a row is gone when the shard owns the slot.';
comment on column slot_arrivals.epoch is 'That the slot will have here.';
comment on column slot_arrivals.abandoned is 'The move was aborted: what has come is to be dropped.';

create function begin_arrival(in_slot smallint, in_epoch bigint, in_source text, in_move uuid) returns text
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    if exists (select from slot_arrivals where slot = in_slot and move = in_move and not abandoned) then
        return 'arriving';
    end if;
    if exists (select from slot_arrivals where slot = in_slot) then
        return 'busy';
    end if;
    if exists (select from slots where slot = in_slot and state <> 'left') then
        return 'owned';
    end if;
    if exists (select from slot_departures where slot = in_slot and step in ('copying', 'left', 'moved')) then
        return 'not dropped';
    end if;
    insert into slots (slot, epoch, state)
    values (in_slot, in_epoch, 'arriving')
    on conflict (slot) do update set epoch = excluded.epoch, state = excluded.state;
    insert into slot_arrivals (slot, move, source, epoch) values (in_slot, in_move, in_source, in_epoch);
    return 'arriving';
end
$$;

-- Holds off whoever wants to abandon the arrival until the transaction ends.
create function hold_arrival(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform
    from slot_arrivals
    where slot = in_slot and move = in_move and not abandoned
    for share;
    if not found then
        raise exception 'move % of slot % does not arrive here any more', in_move, in_slot
            using errcode = 'object_not_in_prerequisite_state';
    end if;
end
$$;

-- Only after the slot map has given the slot to this shard. Whether it is owned here now.
create function own_slot(in_slot smallint, in_epoch bigint, in_move uuid) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    delete from slot_arrivals where slot = in_slot and epoch = in_epoch and move = in_move and not abandoned;
    if found then
        update slots set state = 'owned' where slot = in_slot and epoch = in_epoch and state = 'arriving';
    end if;
    return exists (select from slots where slot = in_slot and epoch = in_epoch and state = 'owned');
end
$$;

create function abandon_arrival(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    update slot_arrivals set abandoned = true where slot = in_slot and move = in_move;
    if found then
        update slots set state = 'left' where slot = in_slot and state = 'arriving';
    end if;
end
$$;

create function forget_arrival(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    if exists (select from streams where slot = in_slot) then
        raise exception 'there is still something of slot % here', in_slot;
    end if;
    delete from slot_arrivals where slot = in_slot and move = in_move and abandoned;
    if found then
        delete from slots where slot = in_slot and state = 'left';
    end if;
end
$$;

revoke all on function begin_arrival, hold_arrival, own_slot, abandon_arrival, forget_arrival from public;

grant execute on function begin_arrival, hold_arrival, own_slot, abandon_arrival, forget_arrival to ledger_operator;

grant select on slot_arrivals to ledger_writer, ledger_operator;
