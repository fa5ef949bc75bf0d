select
    stream is not null,
    stream,
    version,
    total,
    due,
    closed
from (
    select
    from unnest(%(slots)s::smallint[], %(epochs)s::bigint[]) as asked (slot, epoch)
    left join slots on slots.slot = asked.slot and slots.epoch = asked.epoch and slots.state = 'owned'
    having bool_and(slots.slot is not null)
) as place
left join streams on stream = any(%(streams)s::text[])
