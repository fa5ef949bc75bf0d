with sampled as (
    select stream
    from streams
    where version > 0 and position('/' in stream) = 0
    order by hashtext(stream)
    limit %(accounts)s
)
select event.stream, event.version, event.type, event.data, event.recorded_at
from sampled
join all_events as event on event.stream = sampled.stream
order by event.stream, event.version
