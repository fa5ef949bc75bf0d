drop function prepare_to_take_slot;

drop function take_events;

drop function take_heads;

drop function events_checksum;
