select
    projection,
    generation,
    state,
    events,
    seconds
from projection_lag(%(most)s)
