select move, slot, epoch, source, abandoned
from slot_arrivals
where %(slot)s::smallint is null or slot = %(slot)s::smallint
order by began_at
