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
or (stream >= %(subject)s || '/' and stream < %(subject)s || '0')
or (strpos(data::text, '"$sealed"') > 0 and strpos(data::text, %(quoted)s) > 0)
order by stream, version
