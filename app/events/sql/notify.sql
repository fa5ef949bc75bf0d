select
    -- Nobody loses anything by a lost notice: so no transaction behind it waits for this one's flush.
    set_config('synchronous_commit', 'off', true),
    pg_notify('events', '')
