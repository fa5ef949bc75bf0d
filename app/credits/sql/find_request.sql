select version, total, content_hash
from events
where stream = %(stream)s and idempotency_key = %(key)s::uuid
