-- After a dump was restored into a new cluster: gives every event a place in the order of this cluster, keeps the order,
-- and moves the checkpoints along. How many events it numbered; none where they are of this cluster.
create function rebase_events() returns bigint
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    here constant bigint := (select system_identifier from pg_control_system());
    identity cluster_identity;
    numbered bigint;
begin
    -- Asked first without a lock: so that asking in vain keeps no writer waiting.
    if exists (select from cluster_identity where system_identifier = here) then
        return 0;
    end if;
    lock table events, events_archive in share row exclusive mode;
    select * into identity from cluster_identity for update;
    if identity.system_identifier = here then
        return 0;
    end if;

    -- Rows that were appended here since the restore carry the id of the transaction that wrote them: they come last.
    -- A restored row may carry the id of the transaction that restored it by chance, but never the highest positions.
    create temporary table rebased on commit drop as
    select
        stream,
        version,
        transaction_id,
        position,
        native,
        row_number() over (order by native, transaction_id, position) as place
    from (
        select
            stream,
            version,
            transaction_id,
            position,
            written_so and position > coalesce(max(position) filter (where not written_so) over (), 0) as native
        from (
            select stream, version, transaction_id, position, xmin = transaction_id::xid as written_so from events
            union all
            select stream, version, transaction_id, position, false from events_archive
        ) as stored
    ) as event;
    get diagnostics numbered = row_count;
    create unique index on pg_temp.rebased (stream, version);
    analyze pg_temp.rebased;

    insert into projection_checkpoints (projection, generation, epoch, transaction_id, position, events)
    select
        projection,
        generation,
        epoch + 1,
        case when place = 0 then 0 else pg_current_xact_id()::text::bigint end,
        place,
        events
    from projection_checkpoints as old
    cross join lateral (
        select count(*) as place
        from pg_temp.rebased
        where not native
        and (rebased.transaction_id, rebased.position) <= (old.transaction_id::text::xid8, old.position)
    ) as passed
    where epoch = identity.epoch;

    delete from projection_checkpoints where epoch <= identity.epoch;

    update events
    set transaction_id = pg_current_xact_id(), position = rebased.place
    from pg_temp.rebased
    where events.stream = rebased.stream and events.version = rebased.version;

    update events_archive
    set transaction_id = pg_current_xact_id(), position = rebased.place
    from pg_temp.rebased
    where events_archive.stream = rebased.stream and events_archive.version = rebased.version;

    update cluster_identity set system_identifier = here, epoch = identity.epoch + 1;
    return numbered;
end
$$;

revoke all on function rebase_events from public;

grant execute on function rebase_events to ledger_operator;
