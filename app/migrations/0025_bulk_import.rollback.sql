alter sequence event_position cache 1;

revoke usage on sequence event_position from ledger_operator;

revoke insert on events from ledger_operator;

drop function begin_import;

drop table imports;
