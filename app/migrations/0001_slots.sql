create table slots (
    slot smallint primary key,
    epoch bigint not null,
    state text not null,
    constraint slots_in_range check (slot between 0 and 4095),
    constraint slots_epoch_from_one check (epoch >= 1),
    constraint slots_state check (state in ('owned', 'arriving', 'left'))
);

comment on table slots is 'The slots that this shard has or had; only those in state owned take events.';
comment on column slots.epoch is 'Counts the moves of the slot; a writer that names another one is told that it is stale.';
