create table cluster_identity (
    only_one boolean primary key default true check (only_one),
    system_identifier bigint not null,
    epoch bigint not null default 1
);

comment on table cluster_identity is
    'The cluster whose transaction ids the events carry. A dump takes it along: so a restored one is told from its origin.';
comment on column cluster_identity.epoch is 'Counts the times that the events were numbered anew.';

insert into cluster_identity (system_identifier)
select system_identifier from pg_control_system();

grant select on cluster_identity to ledger_writer, ledger_operator;
