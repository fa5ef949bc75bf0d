select move, slot, epoch, target, step, aborting
from slot_departures
where step = 'moved'
and (%(slot)s::smallint is null or slot = %(slot)s::smallint)
and left_at + make_interval(secs => %(grace_seconds)s::double precision) <= clock_timestamp()
order by left_at
