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
where stream = %(subject)s
or (stream >= %(subject)s || '/' and stream < %(subject)s || '0') -- '0' is what comes next after '/'
order by stream, version
