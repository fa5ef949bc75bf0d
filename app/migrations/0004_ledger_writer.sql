-- Roles belong to the whole server: another database of it may have made this one already.
do $$
begin
    if not exists (select from pg_roles where rolname = 'ledger_writer') then
        create role ledger_writer nologin;
    end if;
end
$$;

grant select on events to ledger_writer;

grant execute on function append_event(text, text, json, json, bigint, text, bigint) to ledger_writer;
