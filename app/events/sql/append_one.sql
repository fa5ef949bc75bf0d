select
    1,
    outcome,
    version,
    total
from append_event(%(fields)s::text[])
