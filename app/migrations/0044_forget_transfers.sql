-- Commits only: an abort has to stay, since whoever it was raised against may still come.
create function forget_transfers(in_attempts uuid[]) returns bigint
language sql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
    with forgotten as (
        delete from transfer_decisions where attempt = any (in_attempts) and decision = 'commit' returning 1
    )
    select count(*) from forgotten
$$;

revoke all on function forget_transfers(uuid[]) from public;

grant execute on function forget_transfers(uuid[]) to ledger_writer;
