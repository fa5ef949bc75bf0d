revoke all on function append_event(text, text, json, json, bigint, text, bigint) from ledger_writer;

revoke all on events from ledger_writer;
