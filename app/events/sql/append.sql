select
    outcome,
    version,
    position,
    total
from append_event(
    %(stream)s,
    %(type)s,
    %(data)s,
    %(metadata)s,
    %(change)s,
    %(idempotency_key)s,
    %(expected_version)s
)
