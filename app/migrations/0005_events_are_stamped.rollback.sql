drop trigger events_are_stamped on events;

drop function stamp_event();
