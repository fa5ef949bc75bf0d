select
    asked.stream,
    event.slot,
    coalesce(known.version, 0)
from unnest(%(streams)s::text[], %(versions)s::bigint[]) as asked (stream, version)
-- What was dropped with its slot since the page was read is left out.
cross join lateral (
    select slot from all_events where all_events.stream = asked.stream and all_events.version = asked.version limit 1
) as event
left join lateral (
    select version
    from projection_streams
    where projection_streams.projection = %(projection)s
    and projection_streams.generation = %(generation)s
    and projection_streams.stream = asked.stream
    limit 1
) as known on true
