select
    version,
    total
from events
where stream = %(stream)s
order by version desc
limit 1
