create table projection_generations (
    projection text not null collate "C",
    generation integer not null,
    state text not null,
    began_at timestamptz not null default clock_timestamp(),
    primary key (projection, generation),
    constraint projection_generations_state check (state in ('building', 'serving', 'retired'))
);

create unique index projection_generations_serving on projection_generations (projection) where state = 'serving';

create unique index projection_generations_building on projection_generations (projection) where state = 'building';

comment on table projection_generations is 'Read models; a new generation is built from the first event on while the old one serves.';

create table projection_checkpoints (
    projection text not null collate "C",
    generation integer not null,
    epoch bigint not null,
    transaction_id bigint not null,
    position bigint not null,
    events bigint not null default 0,
    moved_at timestamptz not null default clock_timestamp(),
    primary key (projection, generation, epoch),
    foreign key (projection, generation) references projection_generations on delete cascade
);

comment on table projection_checkpoints is 'How far a read model has come in the order of this shard; written with it, in one transaction.';
comment on column projection_checkpoints.epoch is 'That of cluster_identity: in another one the place means nothing.';
comment on column projection_checkpoints.events is 'Events read, those that had come before included.';

create table projection_streams (
    projection text not null collate "C",
    generation integer not null,
    stream text not null collate "C",
    slot smallint not null,
    version bigint not null,
    primary key (projection, generation, stream),
    foreign key (projection, generation) references projection_generations on delete cascade
)
with (fillfactor = 70);

create index projection_streams_of_slot on projection_streams (slot);

comment on table projection_streams is 'The last event of each stream that a read model contains: what comes again is dropped.';

grant select, insert, update, delete on projection_generations, projection_checkpoints, projection_streams
to ledger_writer, ledger_operator;
