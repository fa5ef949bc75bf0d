select
    version,
    type,
    schema_version,
    data::text
from all_events
where stream = %(stream)s
and version > %(after)s
order by version
limit %(limit)s
