do $$
begin
    if exists (select from slot_arrivals) then
        raise exception 'slots are on their way to this shard, and what is known of it would be lost';
    end if;
end
$$;

drop function begin_arrival;

drop function hold_arrival;

drop function own_slot;

drop function abandon_arrival;

drop function forget_arrival;

drop table slot_arrivals;
