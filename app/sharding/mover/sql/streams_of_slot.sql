select stream, version
from streams
where slot = %(slot)s::smallint
and stream > %(after)s
order by stream
limit %(limit)s::bigint
