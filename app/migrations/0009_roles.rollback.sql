revoke all on function append_events, append_event from ledger_writer;

revoke all on slots, streams, events, snapshots from ledger_writer;
