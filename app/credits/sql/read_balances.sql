select
    asked.stream,
    place.state = 'owned' and place.epoch = asked.epoch as here,
    head.version,
    head.total,
    head.due,
    head.closed,
    held.held
from unnest(%(streams)s::text[], %(slots)s::smallint[], %(epochs)s::bigint[]) as asked (stream, slot, epoch)
-- The limits keep these what they are, one look into an index for each account.
left join lateral (
    select state, epoch from slots where slots.slot = asked.slot limit 1
) as place on true
left join lateral (
    select version, total, due, closed from streams where streams.stream = asked.stream limit 1
) as head on true
left join lateral (
    select coalesce(sum(held), 0)::bigint as held from reservations where reservations.stream = asked.stream and held > 0
) as held on true
