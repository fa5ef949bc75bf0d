select
    current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - current_setting('reserved_connections')::integer,
    current_setting('max_prepared_transactions')::integer
