-- Aborts an attempt that is not decided yet; what it is from now on. Waits for a transaction that is about to decide.
create function abort_transfer(in_attempt uuid, in_participant text) returns text
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    insert into transfer_decisions (attempt, decision, participant)
    values (in_attempt, 'abort', in_participant)
    on conflict do nothing;
    -- a statement of its own, so that it sees what the one before had to wait for
    return (select decision from transfer_decisions where attempt = in_attempt);
end
$$;

revoke all on function abort_transfer(uuid, text) from public;

grant execute on function abort_transfer(uuid, text) to ledger_writer;
