do $$
begin
    if exists (select from events) then
        raise exception 'there are events, and they would be lost';
    end if;
end
$$;

drop table events;

drop sequence event_position;
