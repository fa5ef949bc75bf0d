-- a commit has returned once its record is flushed; what is inserted behind it may be of nobody yet
select (pg_current_wal_flush_lsn() - '0/0')::bigint
