select
    outcome,
    epoch,
    wrapped,
    master_key
from keep_subject_key(
    %(subject)s,
    %(slot)s::smallint,
    %(epoch)s::bigint,
    %(wrapped)s::bytea,
    %(master_key)s
)
