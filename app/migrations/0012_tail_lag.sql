-- What keeps every tail of this shard from its newest events. Sessions show their times to their own role and to members
-- of pg_read_all_stats only, so this runs as whoever asks; prepared transactions and waiting events everybody sees.
create function tail_lag(
    out oldest_transaction_id bigint,
    out next_transaction_id bigint,
    out writing_seconds double precision,
    out prepared_seconds double precision,
    out waiting_seconds double precision
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_sort = off
as $$
begin
    oldest_transaction_id := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    next_transaction_id := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

    select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)
    into writing_seconds
    from pg_stat_activity
    where backend_xid is not null;

    -- Of all databases: a snapshot waits for the transactions of the whole cluster.
    select coalesce(extract(epoch from clock_timestamp() - min(prepared)), 0)
    into prepared_seconds
    from pg_prepared_xacts;

    waiting_seconds := coalesce(
        (
            select extract(epoch from clock_timestamp() - recorded_at)
            from events
            where transaction_id >= pg_snapshot_xmin(pg_current_snapshot())
            order by transaction_id, position
            limit 1
        ),
        0
    );
end
$$;

revoke all on function tail_lag from public;

grant execute on function tail_lag to ledger_writer, ledger_operator;
