select version, recorded_at, type, change, balance, details
from statement_lines
where stream = %(stream)s and version < %(before)s
order by version desc
limit %(limit)s
