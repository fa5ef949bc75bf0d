select version, recorded_at, type, change, total, data
from all_events
where stream = %(stream)s and version < %(before)s
order by version desc
limit %(limit)s
