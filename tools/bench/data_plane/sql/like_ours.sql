-- The columns, partitions and indexes of our events; none of the triggers.
drop table if exists like_ours;

drop sequence if exists like_ours_position;

create sequence like_ours_position;

create table like_ours (
    stream text not null collate "C",
    version bigint not null,
    slot smallint not null,
    schema_version smallint not null,
    position bigint not null default nextval('like_ours_position'),
    transaction_id xid8 not null default pg_current_xact_id(),
    recorded_at timestamptz not null default clock_timestamp(),
    change bigint not null,
    total bigint not null,
    idempotency_key uuid,
    content_hash bigint,
    type text not null collate "C",
    data json not null,
    metadata json not null,
    primary key (stream, version),
    check (version >= 1)
)
partition by hash (stream);

do $$
begin
    for remainder in 0..7 loop
        execute format(
            'create table like_ours_%s partition of like_ours for values with (modulus 8, remainder %s)',
            remainder,
            remainder
        );
    end loop;
end
$$;

create unique index like_ours_once on like_ours (stream, idempotency_key) where idempotency_key is not null;

create index like_ours_in_order on like_ours (transaction_id, position);
