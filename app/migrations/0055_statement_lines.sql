create table statement_lines (
    generation integer not null,
    stream text not null collate "C",
    version bigint not null,
    slot smallint not null,
    recorded_at timestamptz not null,
    type text not null collate "C",
    change bigint not null,
    total bigint not null,
    data json not null,
    primary key (generation, stream, version)
);

create index statement_lines_of_slot on statement_lines (slot);

comment on table statement_lines is 'Read model: what happened to every account, a line each; made of events by the projection `statement`.';

grant select, insert, update, delete on statement_lines to ledger_writer, ledger_operator;

-- Drops the lines of a slot and what is known of its streams, so that all of it is made anew where the slot comes back.
create function drop_statement_lines(in_slot smallint) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    -- Waits for the page that is being applied; the next one finds no event of the slot any more.
    perform from projection_generations where projection = 'statement' order by generation for update;
    delete from statement_lines where slot = in_slot;
    delete from projection_streams where projection = 'statement' and slot = in_slot;
end
$$;

revoke all on function drop_statement_lines from public;

grant execute on function drop_statement_lines to ledger_operator;
