drop function tail_events;
