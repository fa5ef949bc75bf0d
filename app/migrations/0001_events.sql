create table events (
    stream text not null collate "C",
    version bigint not null,
    position bigint generated always as identity,
    transaction_id xid8 not null default pg_current_xact_id(),
    type text not null,
    data json not null,
    metadata json not null,
    change bigint not null,
    total bigint not null,
    idempotency_key text not null collate "C",
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (stream, version),
    constraint events_once unique (stream, idempotency_key),
    constraint events_version_from_one check (version >= 1),
    constraint events_sizes check (octet_length(data::text) <= 65536 and octet_length(idempotency_key) <= 255)
);

comment on table events is 'Every event of every stream of this shard; rows are only ever added.';
comment on column events.version is 'Number of the event in its stream, from 1 on without holes.';
comment on column events.position is 'Place in the order of the shard; within one transaction_id only, and with holes.';
comment on column events.change is 'What the event adds to the running total of its stream.';
comment on column events.total is 'Running total of the stream after the event.';
