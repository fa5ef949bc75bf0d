drop function rebase_events;
