select coalesce(sum(head.version - coalesce(ours.version, 0)), 0)::bigint
from arriving_heads as head
left join streams as ours on ours.stream = head.stream
