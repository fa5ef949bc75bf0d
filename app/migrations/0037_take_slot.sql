-- What comes over the wire lands here first: COPY itself knows no conflicts. The tables belong to the owner of this
-- function, so that nobody can put something else in their place.
create function prepare_to_take_slot() returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    create temporary table arriving_events (
        stream text not null collate "C",
        version bigint not null,
        slot smallint not null,
        schema_version smallint not null,
        recorded_at timestamptz not null,
        change bigint not null,
        total bigint not null,
        idempotency_key uuid,
        content_hash bigint,
        type text not null collate "C",
        data json not null,
        metadata json not null
    )
    on commit delete rows;

    create temporary table arriving_heads (
        stream text primary key collate "C",
        version bigint not null,
        total bigint not null,
        due timestamptz,
        closed boolean not null
    );

    execute format('grant all on arriving_events, arriving_heads to %I', session_user);
end
$$;

-- Takes what has landed; what is here already stays, so an attempt that is repeated does no harm.
create function take_events(in_slot smallint, in_move uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform hold_arrival(in_slot, in_move);
    if exists (select from pg_temp.arriving_events where slot <> in_slot) then
        raise exception 'there are events of other slots than %', in_slot;
    end if;

    -- In the order of their versions: a tail that reads them here meets each stream in its order.
    insert into events (
        stream, version, slot, schema_version, recorded_at, change, total, idempotency_key, content_hash, type, data, metadata
    )
    select
        stream, version, slot, schema_version, recorded_at, change, total, idempotency_key, content_hash, type, data, metadata
    from pg_temp.arriving_events
    order by stream, version
    on conflict (stream, version) do nothing;

    insert into streams (stream, slot, version, total)
    select distinct on (stream) stream, slot, version, total
    from pg_temp.arriving_events
    order by stream, version desc
    on conflict (stream) do update
    set version = excluded.version, total = excluded.total
    where streams.version < excluded.version;

    delete from pg_temp.arriving_events;
end
$$;

-- Makes the streams end as they do on the source. How many still differ: none, or the copy is not complete.
create function take_heads(in_slot smallint, in_move uuid) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform hold_arrival(in_slot, in_move);

    update streams
    set due = head.due, closed = head.closed
    from pg_temp.arriving_heads as head
    where streams.stream = head.stream
    and streams.slot = in_slot
    and (streams.due, streams.closed) is distinct from (head.due, head.closed);

    return (
        select count(*)
        from pg_temp.arriving_heads as head
        full join (select * from streams where slot = in_slot) as ours on ours.stream = head.stream
        where (head.version, head.total, head.due, head.closed)
            is distinct from (ours.version, ours.total, ours.due, ours.closed)
    );
end
$$;

-- What events of streams amount to, each stream from behind one version to another; null is the last one.
create function events_checksum(
    in_streams text[],
    in_after bigint[],
    in_upto bigint[],
    out stream text,
    out events bigint,
    out last_version bigint,
    out hash numeric
)
returns setof record
language sql
stable
security definer
set search_path = pg_catalog, public, pg_temp
-- the hash is one of texts, which must be the same on both sides
set timezone = 'UTC'
set datestyle = 'ISO'
begin atomic
    select asked.stream, counted.events, counted.last_version, counted.hash
    from unnest(in_streams, in_after, in_upto) as asked (stream, after, upto)
    cross join lateral (
        select
            count(*) as events,
            coalesce(max(version), 0) as last_version,
            coalesce(
                sum(
                    hashtextextended(
                        row(
                            version, slot, schema_version, recorded_at, change, total, idempotency_key, content_hash, type,
                            data::text, metadata::text
                        )::text,
                        0
                    )
                ),
                0
            ) as hash
        from all_events
        where all_events.stream = asked.stream
        and all_events.version > asked.after
        and (asked.upto is null or all_events.version <= asked.upto)
    ) as counted;
end;

revoke all on function prepare_to_take_slot, take_events, take_heads, events_checksum from public;

grant execute on function prepare_to_take_slot, take_events, take_heads, events_checksum to ledger_operator;
