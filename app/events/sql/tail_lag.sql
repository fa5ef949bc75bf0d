select
    oldest_transaction_id,
    next_transaction_id,
    writing_seconds,
    prepared_seconds,
    waiting_seconds
from tail_lag()
