do $$
begin
    if exists (select from slot_map where epoch > 1 or state <> 'owned') then
        raise exception 'slots have moved since the map was made, and where they are would be lost';
    end if;
end
$$;

drop table slot_map_version;

drop table slot_map;

drop table shards;
