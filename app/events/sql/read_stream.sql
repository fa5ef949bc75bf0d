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
and version > %(after)s
order by version
limit %(limit)s
