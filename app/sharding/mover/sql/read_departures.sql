select move, slot, epoch, target, step, aborting
from slot_departures
where step in ('copying', 'left')
and (%(slot)s::smallint is null or slot = %(slot)s::smallint)
order by began_at
