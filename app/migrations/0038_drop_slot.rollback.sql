revoke insert, update, delete on snapshots, subject_keys from ledger_operator;

drop function drop_slot_events;

drop function may_drop_slot;
