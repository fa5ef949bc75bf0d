-- Transfers between two shards: prepared branches, decisions, what is forgotten.
-- `:name` is a parameter; `app.queries.query("transfers.<name>")` returns the text of a query.

-- name: abort
select abort_transfer(:attempt::uuid, :participant)

-- name: append_all
select request, outcome, version, total
from ({append}) as appended
where require_stored(request, outcome, version, total)

-- name: decide
select
    request,
    outcome,
    version,
    total,
    case when outcome = 'stored' then commit_transfer(:attempt::uuid, :participant) end
from ({append}) as appended

-- name: find_append
select version, content_hash, total - change
from events
where stream = :stream and idempotency_key = :key::uuid

-- name: forget
select forget_transfers(:attempts::uuid[])

-- name: read_decided
select attempt
from transfer_decisions
where decision = 'commit' and participant = :participant and decided_at < now() - make_interval(secs => :seconds)
order by decided_at
limit :limit

-- name: read_prepared
select
    gid,
    owner = current_user,
    extract(epoch from clock_timestamp() - prepared)::float8
from pg_prepared_xacts
where database = current_database()
