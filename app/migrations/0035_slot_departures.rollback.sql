do $$
begin
    if exists (select from slot_departures where step in ('copying', 'left', 'moved')) then
        raise exception 'slots are on their way from this shard, and what is known of it would be lost';
    end if;
end
$$;

drop function begin_departure;

drop function leave_slot;

drop function want_abort;

drop function return_slot;

drop function end_departure;

drop table slot_departures;

revoke select on slots, streams, events, snapshots from ledger_operator;
