-- What became of a transfer between two shards, on the shard of the half that decides.
create table transfer_decisions (
    attempt uuid primary key,
    decision text not null,
    participant text not null collate "C",
    decided_at timestamptz not null default clock_timestamp(),
    constraint transfer_decisions_decision check (decision in ('commit', 'abort'))
);

create index transfer_decisions_to_forget on transfer_decisions (participant, decided_at) where decision = 'commit';

grant select on transfer_decisions to ledger_writer;

comment on table transfer_decisions is 'Decisions on prepared halves of transfers; what has none is aborted.';
comment on column transfer_decisions.attempt is 'Last part of the name of the prepared transaction.';
comment on column transfer_decisions.participant is 'Shard of the prepared transaction.';
