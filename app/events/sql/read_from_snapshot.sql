select
    stream,
    version,
    null::xid8 as transaction_id,
    null::bigint as position,
    null as type,
    schema_version,
    state::text as data,
    null as metadata,
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
    transaction_id,
    position,
    type,
    schema_version,
    data::text,
    metadata::text,
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
