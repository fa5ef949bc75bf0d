create table statement_lines (
    stream text not null collate "C",
    version bigint not null,
    slot smallint not null,
    recorded_at timestamptz not null,
    type text not null collate "C",
    change bigint not null,
    balance bigint not null,
    details json not null,
    primary key (stream, version)
);

create index statement_lines_of_slot on statement_lines (slot);

comment on table statement_lines is 'Read model: what happened to every account, a line for each event.';
comment on column statement_lines.balance is 'Available credits after the event.';

grant select, insert, update, delete on statement_lines to ledger_writer, ledger_operator;
