create function begin_slot_move(in_slot smallint, in_changed bigint, in_target text, out outcome text, out entry slot_map)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from slot_map_version for update;
    select * into entry from slot_map where slot = in_slot;
    outcome := case
        when entry.changed is distinct from in_changed then 'stale'
        when entry.state <> 'owned' then 'moving'
        when entry.shard = in_target then 'same shard'
        when not exists (select from shards where shard = in_target) then 'unknown shard'
        when not exists (select from shards where shard = in_target and state = 'active') then 'not active'
        else 'done'
    end;
    if outcome = 'done' then
        update slot_map_version set version = version + 1;
        update slot_map
        set state = 'moving', moving_to = in_target, changed = (select version from slot_map_version)
        where slot = in_slot
        returning * into entry;
    end if;
end
$$;

-- A move ends in one of two ways: the target has the slot, one epoch on, or all is as it was.
create function end_slot_move(
    in_slot smallint, in_changed bigint, in_arrived boolean, out outcome text, out entry slot_map
)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from slot_map_version for update;
    select * into entry from slot_map where slot = in_slot;
    outcome := case
        when entry.changed is distinct from in_changed then 'stale'
        when entry.state <> 'moving' then 'not moving'
        else 'done'
    end;
    if outcome = 'done' then
        update slot_map_version set version = version + 1;
        update slot_map
        set
            shard = case when in_arrived then moving_to else shard end,
            epoch = epoch + in_arrived::integer,
            state = 'owned',
            moving_to = null,
            changed = (select version from slot_map_version)
        where slot = in_slot
        returning * into entry;
    end if;
end
$$;

revoke all on function begin_slot_move, end_slot_move from public;

grant execute on function begin_slot_move, end_slot_move to ledger_operator;
