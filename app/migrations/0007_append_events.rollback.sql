drop function append_events;
