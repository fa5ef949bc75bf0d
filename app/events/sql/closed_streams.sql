select stream
from streams
where closed
and stream > %(after)s
and exists (
    select
    from events
    where events.stream = streams.stream
    and events.version < streams.version
)
and (
    select recorded_at
    from events
    where events.stream = streams.stream
    and events.version = streams.version
) < %(closed_before)s
order by stream
limit %(limit)s
