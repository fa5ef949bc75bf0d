insert into projection_checkpoints as place (projection, generation, epoch, transaction_id, position, events)
select projection, generation, %(epoch)s, %(to_transaction_id)s, %(to_position)s, %(events)s
from projection_generations
where projection = %(projection)s
and generation = %(generation)s
and state <> 'retired'
for share
on conflict (projection, generation, epoch) do update
set
    transaction_id = excluded.transaction_id,
    position = excluded.position,
    events = place.events + excluded.events,
    moved_at = clock_timestamp()
where (place.transaction_id, place.position) = (%(from_transaction_id)s, %(from_position)s)
-- What a crash takes back is done again: read model and checkpoint stand or fall together.
returning set_config('synchronous_commit', 'off', true)
