select
    stream,
    version,
    transaction_id,
    position,
    type,
    schema_version,
    data,
    metadata,
    change,
    total,
    recorded_at
from tail_events(%(transaction_id)s, %(position)s, %(limit)s)
