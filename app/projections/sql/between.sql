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
and version > %(after)s
and version < %(before)s
order by version
