-- Writes down when something in a stream ends next, where nothing had to be recorded for what was due: a grant that was
-- used up before its end. An event that was appended meanwhile knows better.
create function settle_due(in_stream text, in_version bigint, in_due timestamptz) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
    update streams set due = in_due where stream = in_stream and version = in_version;
    return found;
end
$$;

revoke all on function settle_due(text, bigint, timestamptz) from public;

grant execute on function settle_due(text, bigint, timestamptz) to ledger_writer;
