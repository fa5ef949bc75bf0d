select move, slot, epoch, target, step, aborting
from begin_departure(%(slot)s::smallint, %(epoch)s::bigint, %(target)s, %(move)s::uuid)
where move is not null
