select version, content_hash, total - change
from events
where stream = %(stream)s and idempotency_key = %(key)s::uuid
