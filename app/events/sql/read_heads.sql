select
    stream,
    version,
    total,
    due,
    closed
from streams
where stream = any(%(streams)s::text[])
