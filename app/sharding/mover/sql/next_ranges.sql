with behind as (
    select head.stream, coalesce(ours.version, 0) as after, head.version as upto
    from arriving_heads as head
    left join streams as ours on ours.stream = head.stream
    where coalesce(ours.version, 0) < head.version
    order by head.stream
    limit %(limit)s::bigint
),
counted as (
    select *, sum(upto - after) over (order by stream) - (upto - after) as before
    from behind
)
select stream, after, least(upto, after + %(limit)s::bigint - before)::bigint as upto
from counted
where before < %(limit)s::bigint
order by stream
