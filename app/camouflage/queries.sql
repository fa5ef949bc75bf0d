-- Decoy databases: fingerprint, views of callers, places, samples to measure.

-- name: is_fresh
select
    to_regclass('public.camouflage') is not null as marked,
    exists (select from streams) as used

-- name: write_fingerprint
insert into camouflage (mark, worlds)
select :fingerprint, :views
where not exists (select from camouflage)

-- name: read_fingerprint
select mark from camouflage

-- name: read_views
select worlds from camouflage

-- name: claim_view
select claimed.number, claimed.number <= made.worlds as ready
from claim_world(:caller) as claimed (number)
cross join camouflage as made

-- name: copy_account
select outcome, epoch
from copy_account(:account, :stream, :hash, :slot::smallint, :epoch)

-- name: keep_place
with kept as (
    insert into camouflage_places (place, until)
    values (:place, :until)
    on conflict (place) do nothing
    returning until
)
select until from kept
union all
select until from camouflage_places where place = :place
limit 1

-- name: sample_histories
with sampled as (
    select stream
    from streams
    where version > 0 and position('/' in stream) = 0
    order by hashtext(stream)
    limit :accounts
)
select event.stream, event.version, event.type, event.data, event.recorded_at
from sampled
join all_events as event on event.stream = sampled.stream
order by event.stream, event.version

-- name: install
-- For decoy databases only; a ledger's must have none of this.
create table if not exists camouflage (
    mark bytea primary key,
    worlds integer not null,
    made_at timestamptz not null default clock_timestamp()
);

-- Copy an account to another stream; do nothing if that exists, or if the account does not.
create or replace function copy_account(
    in_from text,
    in_to text,
    in_hash bigint,
    in_slot smallint,
    in_epoch bigint,
    out outcome text,
    out epoch bigint
)
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock_shared(1, in_slot), pg_advisory_xact_lock(in_hash);
    epoch := (select epoch from slots where slot = in_slot and state = 'owned');
    if epoch is distinct from in_epoch then
        outcome := 'wrong epoch';
        return;
    end if;

    outcome := 'done';
    if exists (select from streams where stream = in_to) then
        return;
    end if;

    -- One statement, so that head and events come from one snapshot.
    with head as (
        insert into streams (stream, slot, version, total, due, closed)
        select in_to, slot, version, total, due, closed from streams where stream = in_from
    ),
    kept as (
        insert into snapshots (stream, version, schema_version, state)
        select in_to, version, schema_version, state from snapshots where stream = in_from
    )
    insert into events (stream, version, slot, schema_version, recorded_at, change, total, type, data, metadata)
    select in_to, version, in_slot, schema_version, recorded_at, change, total, type, data, metadata
    from all_events
    where stream = in_from
    order by version;
end
$$;

revoke all on function copy_account from public;

grant execute on function copy_account to ledger_writer;

grant select on camouflage to ledger_writer;

create table if not exists camouflage_worlds (
    caller bytea primary key,
    number integer not null unique,
    came_at timestamptz not null default clock_timestamp()
);

comment on column camouflage_worlds.caller is 'A MAC of the subject: who it is only the operator can tell.';

-- Assign a view to a caller at the first call, and return the same one ever after. No two callers share a view.
create or replace function claim_world(in_caller bytea) returns integer
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    found_number integer := (select number from camouflage_worlds where caller = in_caller);
begin
    if found_number is null then
        lock table camouflage_worlds in share row exclusive mode;
        insert into camouflage_worlds (caller, number)
        select in_caller, coalesce(max(number), 0) + 1 from camouflage_worlds
        on conflict (caller) do nothing;
        found_number := (select number from camouflage_worlds where caller = in_caller);
    end if;
    return found_number;
end
$$;

revoke all on function claim_world from public;

grant execute on function claim_world to ledger_writer;

create table if not exists camouflage_places (
    place smallint primary key,
    until timestamptz not null
);
