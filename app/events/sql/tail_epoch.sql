select
    (select system_identifier from pg_control_system()),
    -- The control file learns of a promotion only at the next checkpoint.
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
