create table imports (
    name text primary key collate "C",
    position bigint not null,
    began_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp()
);

comment on table imports is 'How far bulk imports have come; a row changes in the transaction that stores its events.';
comment on column imports.position is 'How many events of the input are dealt with.';

-- Begins a chunk of an import, whose events are to follow in the same transaction: makes the streams end as they will,
-- and tells how they ended before. Where any stream refuses, none is changed: the caller rolls back.
create function begin_import(
    in_name text,
    in_from bigint,
    in_upto bigint,
    -- one for each stream
    in_streams text[],
    in_slots smallint[],
    in_epochs bigint[],
    in_counts bigint[],
    in_sums bigint[],
    in_dues timestamptz[],
    out number bigint,
    out outcome text,
    out version bigint,
    out total bigint
)
returns setof record
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    insert into imports as known (name, position)
    select in_name, in_upto
    where in_from = 0
    on conflict (name) do nothing;
    if not found then
        update imports set position = in_upto, changed_at = clock_timestamp() where name = in_name and position = in_from;
        if not found then
            return query select null::bigint, 'elsewhere', (select position from imports where name = in_name), null::bigint;
            return;
        end if;
    end if;

    -- Writers of these slots wait until the chunk is stored. Locks of single streams could be more than there is room for.
    perform pg_advisory_xact_lock(1, slot) from (select distinct slot from unnest(in_slots) as slot order by slot) as one;

    return query
    with judged as materialized (
        select
            asked.*,
            case
                when place.epoch is distinct from asked.epoch or place.state <> 'owned' then 'wrong epoch'
                when head.closed then 'closed'
                else 'ready'
            end as outcome,
            case
                when place.epoch is distinct from asked.epoch or place.state <> 'owned' then place.epoch
                else coalesce(head.version, 0)
            end as version,
            coalesce(head.total, 0) as total
        from unnest(in_streams, in_slots, in_epochs, in_counts, in_sums, in_dues)
            with ordinality as asked (stream, slot, epoch, count, sum, due, number)
        -- The limits keep these what they are, one look into an index for each stream.
        left join lateral (
            select epoch, state from slots where slots.slot = asked.slot limit 1
        ) as place on true
        left join lateral (
            select version, total, closed from streams where streams.stream = asked.stream limit 1
        ) as head on true
    ),
    heads as (
        insert into streams as head (stream, slot, version, total, due)
        select stream, slot, version + count, total + sum, due
        from judged
        where not exists (select from judged where outcome <> 'ready')
        on conflict (stream) do update
        set version = excluded.version, total = excluded.total, due = least(head.due, excluded.due)
    )
    select number, outcome, version, total from judged order by number;
end
$$;

revoke all on function begin_import from public;

grant execute on function begin_import to ledger_operator;

grant select on imports to ledger_operator;

-- COPY goes right into the table; what it brings counts only with the heads that belong to it.
grant insert on events to ledger_operator;

grant usage on sequence event_position to ledger_operator;

-- A session takes positions in portions: they order events within a transaction only, so gaps between sessions mean
-- nothing, and many rows in one transaction do not wait for the sequence.
alter sequence event_position cache 100;
