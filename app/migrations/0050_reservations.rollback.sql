drop trigger reservations_are_kept on events;

drop function keep_reservation();

drop table reservations;
