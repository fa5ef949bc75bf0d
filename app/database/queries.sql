-- What a server offers to its clients.
-- `:name` is a parameter; `app.queries.query("database.<name>")` returns the text of a query.

-- name: server_capacity
select
    current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - current_setting('reserved_connections')::integer,
    current_setting('max_prepared_transactions')::integer
