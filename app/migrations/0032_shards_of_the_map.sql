create function add_shard(in_shard text, out outcome text, out held bigint)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from slot_map_version for update;
    held := 0;
    insert into shards (shard, state) values (in_shard, 'active') on conflict do nothing;
    outcome := case when found then 'done' else 'known' end;
    if outcome = 'done' then
        update slot_map_version set version = version + 1;
    end if;
end
$$;

create function set_shard_state(in_shard text, in_state text, out outcome text, out held bigint)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from slot_map_version for update;
    held := 0;
    outcome := case
        when not exists (select from shards where shard = in_shard) then 'unknown shard'
        when in_state <> 'active' and not exists (select from shards where shard <> in_shard and state = 'active')
            and exists (select from shards where shard = in_shard and state = 'active')
            then 'last shard'
        else 'done'
    end;
    if outcome = 'done' then
        update shards set state = in_state where shard = in_shard and state <> in_state;
        if found then
            update slot_map_version set version = version + 1;
        end if;
    end if;
end
$$;

create function remove_shard(in_shard text, out outcome text, out held bigint)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from slot_map_version for update;
    held := (select count(*) from slot_map where in_shard in (shard, moving_to));
    outcome := case
        when not exists (select from shards where shard = in_shard) then 'unknown shard'
        when not exists (select from shards where shard <> in_shard and state = 'active') then 'last shard'
        when held > 0 then 'holds slots'
        else 'done'
    end;
    if outcome = 'done' then
        delete from shards where shard = in_shard;
        update slot_map_version set version = version + 1;
    end if;
end
$$;

revoke all on function add_shard, set_shard_state, remove_shard from public;

grant execute on function add_shard, set_shard_state, remove_shard to ledger_operator;
