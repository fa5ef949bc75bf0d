copy events (
    stream,
    version,
    slot,
    schema_version,
    recorded_at,
    change,
    total,
    idempotency_key,
    content_hash,
    type,
    data,
    metadata
)
from stdin (format binary)
