-- How far the read models are behind what is stored here, in events (no more than `in_most` are counted) and in seconds
-- since the oldest of these was recorded. Those of a moved slot keep their times: while one arrives, that is long.
create function projection_lag(in_most bigint)
returns table (projection text, generation integer, state text, events bigint, seconds double precision)
language plpgsql
stable
security definer
set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_sort = off
as $$
#variable_conflict use_column
begin
    return query
    select
        read_model.projection,
        read_model.generation,
        read_model.state,
        behind.events,
        coalesce(extract(epoch from clock_timestamp() - behind.since), 0)::double precision
    from (
        select
            each.projection,
            each.generation,
            each.state,
            coalesce(place.transaction_id, 0)::text::xid8 as transaction_id,
            coalesce(place.position, 0) as position
        from projection_generations as each
        left join projection_checkpoints as place
            on place.projection = each.projection
            and place.generation = each.generation
            and place.epoch = (select epoch from cluster_identity)
        where each.state <> 'retired'
    ) as read_model
    cross join lateral (
        select count(*) as events, (array_agg(recorded_at))[1] as since
        from (
            select event.recorded_at
            from all_events as event
            where (event.transaction_id, event.position) > (read_model.transaction_id, read_model.position)
            order by event.transaction_id, event.position
            limit in_most
        ) as missing
    ) as behind;
end
$$;

revoke all on function projection_lag from public;

grant execute on function projection_lag to ledger_writer, ledger_operator;
