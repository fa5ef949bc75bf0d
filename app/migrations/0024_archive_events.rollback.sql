drop function archive_events;
