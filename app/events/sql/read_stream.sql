select
    version,
    position,
    type,
    data,
    metadata,
    change,
    total,
    recorded_at
from events
where stream = %(stream)s
and version > %(after)s
order by version
limit %(limit)s
