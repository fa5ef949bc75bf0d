insert into slots (slot, epoch, state)
select
    slot,
    %(epoch)s,
    'owned'
from unnest(%(slots)s::smallint[]) as slot
where not exists (select from slots)
