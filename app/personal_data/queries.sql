-- Personal data: keys of subjects, erasures, export.
-- `:name` is a parameter; `app.queries.query("personal_data.<name>")` returns the text of a query.

-- name: erase_subjects
select
    subject,
    owned,
    destroyed
from erase_subjects(:subjects::text[], :slots::smallint[], :times::timestamptz[])

-- name: keep_subject_key
select
    outcome,
    epoch,
    wrapped,
    master_key
from keep_subject_key(
    :subject,
    :slot::smallint,
    :epoch::bigint,
    :wrapped::bytea,
    :master_key
)

-- name: read_erasures
select
    subject,
    erased_at
from erasures
order by subject

-- name: read_events_about_subject
select
    stream,
    version,
    type,
    schema_version,
    recorded_at,
    change,
    total,
    data,
    metadata
from all_events
where stream = :subject
or (stream >= :subject || '/' and stream < :subject || '0')
or (strpos(data::text, '"$sealed"') > 0 and strpos(data::text, :quoted) > 0)
order by stream, version

-- name: read_events_of_subject
select
    stream,
    version,
    type,
    schema_version,
    recorded_at,
    change,
    total,
    data,
    metadata
from all_events
where stream = :subject
or (stream >= :subject || '/' and stream < :subject || '0') -- '0' is what comes next after '/'
order by stream, version

-- name: read_key_times
select
    created_at,
    erased_at
from subject_keys
where subject = :subject

-- name: read_keys_to_rewrap
select
    subject,
    wrapped,
    master_key
from subject_keys
where subject > :after
and master_key <> :current
order by subject
limit :limit

-- name: read_subject_keys
select
    subject,
    wrapped,
    master_key
from subject_keys
where subject = any(:subjects::text[])

-- name: record_erasures
insert into erasures (subject, erased_at)
select *
from unnest(:subjects::text[], :times::timestamptz[])
on conflict (subject) do nothing
returning subject

-- name: rewrap_subject_key
select rewrap_subject_key(:subject, :replaced::bytea, :wrapped::bytea, :master_key)
