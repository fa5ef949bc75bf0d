-- In the transaction of the deciding half: fails, and that half with it, where the attempt was aborted before.
create function commit_transfer(in_attempt uuid, in_participant text) returns void
language sql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
    insert into transfer_decisions (attempt, decision, participant) values (in_attempt, 'commit', in_participant)
$$;

revoke all on function commit_transfer(uuid, text) from public;

grant execute on function commit_transfer(uuid, text) to ledger_writer;
