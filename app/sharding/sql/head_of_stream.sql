select
    version,
    total,
    due,
    closed
from streams
where stream = %(stream)s
