create table shards (
    shard text primary key collate "C",
    state text not null,
    constraint shards_state check (state in ('active', 'draining'))
);

create table slot_map (
    slot smallint primary key,
    shard text not null collate "C" references shards,
    epoch bigint not null,
    state text not null,
    moving_to text collate "C" references shards,
    changed bigint not null,
    constraint slot_map_slot check (slot between 0 and 4095),
    constraint slot_map_epoch check (epoch >= 1),
    constraint slot_map_state check (state in ('owned', 'moving')),
    constraint slot_map_moving_to check ((state = 'moving') = (moving_to is not null) and moving_to <> shard)
);

create index slot_map_changed on slot_map (changed);

-- One row, locked by every change: so versions become visible in their order, and a reader misses none.
create table slot_map_version (
    one boolean primary key default true,
    version bigint not null,
    constraint slot_map_version_one check (one)
);

insert into slot_map_version (version) values (0);

comment on table slot_map is 'The shard of every slot; filled in the database of one shard only, which the directory names.';
comment on column slot_map.epoch is 'Grows by one with every change of the shard; the shard itself refuses writes of another epoch.';
comment on column slot_map.changed is 'Version of the map in which the row was last changed.';
comment on table shards is 'The shards that slots may be on; in the database that holds the map only.';

grant select on shards, slot_map, slot_map_version to ledger_writer;
