select
    stream,
    version,
    null::bigint as transaction_id,
    null::bigint as position,
    null as type,
    schema_version,
    state as data,
    null::json as metadata,
    null::bigint as change,
    null::bigint as total,
    null::timestamptz as recorded_at
from snapshots
where stream = %(stream)s
and schema_version = %(schema_version)s
union all
select
    stream,
    version,
    transaction_id::text::bigint,
    position,
    type,
    schema_version,
    data,
    metadata,
    change,
    total,
    recorded_at
from all_events
where stream = %(stream)s
and version > coalesce(
    (
        select version
        from snapshots
        where stream = %(stream)s
        and schema_version = %(schema_version)s
    ),
    0
)
order by version
limit %(rows)s
