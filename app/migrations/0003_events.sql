create sequence event_position;

create table events (
    stream text not null collate "C",
    version bigint not null,
    slot smallint not null,
    schema_version smallint not null,
    position bigint not null default nextval('event_position'),
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
    constraint events_version_from_one check (version >= 1)
)
partition by hash (stream);

comment on table events is 'Every event of every stream of this shard; rows are only ever added.';
comment on column events.version is 'Number of the event in its stream, from 1 on without holes.';
comment on column events.position is 'Place in the order of the shard within one transaction_id, with holes.';
comment on column events.transaction_id is 'The transaction that brought the event to this server.';
comment on column events.change is 'What the event adds to the running total of its stream.';
comment on column events.total is 'Running total of the stream after the event.';
comment on column events.idempotency_key is 'Hash of the key that the request was sent with; on its first event.';
comment on column events.content_hash is 'What that key stands for.';

do $$
begin
    for remainder in 0..7 loop
        execute format(
            'create table events_%s partition of events for values with (modulus 8, remainder %s)', remainder, remainder
        );
    end loop;
end
$$;

create unique index events_once on events (stream, idempotency_key) where idempotency_key is not null;

create index events_in_order on events (transaction_id, position);
