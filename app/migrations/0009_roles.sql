-- Roles belong to the whole server: another database of it may have made these already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['ledger_writer', 'ledger_operator'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I nologin', wanted);
        end if;
    end loop;
end
$$;

grant select on slots, streams, events, snapshots to ledger_writer;

grant execute on function append_events, append_event to ledger_writer;
