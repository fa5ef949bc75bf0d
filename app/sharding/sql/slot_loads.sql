select
    slot,
    sum(version)::bigint,
    (select sum(pg_total_relation_size(relid))::bigint from pg_partition_tree('events'))
from streams
join slots using (slot)
where slots.state = 'owned'
group by slot
