select due, stream
from streams
where due <= %(now)s
and (%(after_due)s::timestamptz is null or (due, stream) > (%(after_due)s, %(after)s))
and slot in (select slot from slots where state = 'owned')
order by due, stream
limit %(limit)s
