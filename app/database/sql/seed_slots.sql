insert into slots (slot, epoch, state)
select
    slot,
    1,
    'owned'
from unnest(%(slots)s::smallint[]) as slot
where not exists (select from slots)
