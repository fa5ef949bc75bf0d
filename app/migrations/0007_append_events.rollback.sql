drop function append_events;

drop function append_outcome;
