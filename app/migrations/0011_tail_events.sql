-- The events behind a place in the order of this shard, the archived ones too, below the oldest transaction that is
-- under way: nothing can come in between any more.
create function tail_events(in_transaction_id bigint, in_position bigint, in_limit integer)
returns table (
    stream text,
    version bigint,
    transaction_id xid8,
    "position" bigint,
    type text,
    schema_version smallint,
    data text,
    metadata text,
    change bigint,
    total bigint,
    recorded_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, public, pg_temp
-- Statistics know nothing of the latest transactions: a plan for the very values would sort all that is behind them.
set plan_cache_mode = force_generic_plan
set enable_sort = off
as $$
#variable_conflict use_column
begin
    if (select system_identifier from pg_control_system()) is distinct from (
        select system_identifier from cluster_identity
    ) then
        raise exception 'the events carry transaction ids of another cluster'
        using errcode = 'LF010', hint = 'Call rebase_events() as an operator.';
    end if;

    return query
    select
        event.stream,
        event.version,
        event.transaction_id,
        event.position,
        event.type,
        event.schema_version,
        event.data::text,
        event.metadata::text,
        event.change,
        event.total,
        event.recorded_at
    from all_events as event
    where (event.transaction_id, event.position) > (in_transaction_id::text::xid8, in_position)
    and event.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    order by event.transaction_id, event.position
    limit in_limit;
end
$$;

revoke all on function tail_events from public;

grant execute on function tail_events to ledger_writer, ledger_operator;
