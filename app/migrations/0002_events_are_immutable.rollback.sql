drop trigger events_are_immutable on events;

drop function refuse_to_change_events();
