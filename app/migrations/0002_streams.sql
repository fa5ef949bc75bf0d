create table streams (
    stream text primary key collate "C",
    slot smallint not null,
    version bigint not null,
    total bigint not null,
    due timestamptz,
    closed boolean not null default false
)
-- room for the next versions of a row on its page: so an update touches no index
with (fillfactor = 70);

create index streams_of_slot on streams (slot);

create index streams_due on streams (due) where due is not null;

comment on table streams is 'Where every stream of this shard ends; written together with its events only.';
comment on column streams.total is 'Sum of what the events of the stream change.';
comment on column streams.due is 'From when on the total is not to be relied on: something in the stream ends then.';
comment on column streams.closed is 'Whether the stream takes no more events.';
