create table snapshots (
    stream text primary key collate "C",
    version bigint not null,
    schema_version smallint not null,
    state json not null
);

comment on table snapshots is 'What the events of a stream up to a version lead to; the latest one of each stream, and always dispensable.';
