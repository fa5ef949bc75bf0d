drop function append_event;
