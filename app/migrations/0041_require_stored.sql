-- Behind append_events: nothing of a call is stored where one of its appends is not. The detail tells which, and why.
create function require_stored(in_request integer, in_outcome text, in_version bigint, in_total bigint) returns boolean
language plpgsql
as $$
begin
    if in_outcome = 'stored' then
        return true;
    end if;
    raise exception 'append refused: %', in_outcome
    using errcode = 'LF001', detail = json_build_array(in_request, in_outcome, in_version, in_total)::text;
end
$$;

revoke all on function require_stored(integer, text, bigint, bigint) from public;

grant execute on function require_stored(integer, text, bigint, bigint) to ledger_writer;
